-- Version 7: names for people are composed (NFC), whatever bytes the path has, so that they are found as they are typed.

UPDATE images SET name = composed(name) WHERE name <> composed(name);
