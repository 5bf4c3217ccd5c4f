"""The verbs of a gallery about what is no image: a text, whose images are looked for, and a list of hashes."""

from __future__ import annotations

from lookalike.gallery.library import Library
from lookalike.gallery.search.hash_list import MAX_DISTANCE, match_hashes
from lookalike.gallery.search.model_text_search import text_choices, text_search
from lookalike.gallery.search.query import QuerySource
from lookalike.gallery.search.text_search import LEAST, TextOptions, TextSearch
from lookalike.gallery.storage.row import Row
from lookalike.paths import PathLike
from lookalike.types import HashReport, TextResult, WordEvidence


class TextVerbs:
    """What ``Gallery`` says about searches by words, and by lists of hashes."""

    _library: Library

    @property
    def text_choices(self) -> list[str]:
        """What ``search_text`` may go ``by`` here, its default first; nothing where words say nothing."""
        return text_choices(self._library)

    def match_hashes(self, file: PathLike, *, by: str = "pdq", max_distance: int = MAX_DISTANCE) -> HashReport:
        """Which images are on a list of hashes: a CSV file with a column "hash", or one by the descriptor's name, of
        hexadecimal digits. ``by``: a descriptor of bits that is held. ``max_distance``: bits in which an image may
        differ. Raises UserError for a file that is no such list, or a descriptor that is not held."""
        return match_hashes(self._library, file, by, max_distance)

    def search_text(
        self,
        text: str,
        k: int = 10,
        *,
        without: str = "",
        like: QuerySource | None = None,
        where: str | None = None,
        least: float = LEAST,
        by: str | None = None,
        boxes: bool = False,
    ) -> TextResult:
        """The k images that most probably show what a text asks for, best first: "red car on a street", "dog, no
        people", "blue at the top", "screenshot 2019".

        No file is read: things and animals go by the classes that the network `content` names, scenes and everyday
        things by tags, colours by the descriptor `colour`, and what a file says of itself by its row. ``without``:
        words that an image is not to show. ``like``: an image, or a Row of this gallery, that it is to be like as
        well; the text may be empty then. ``where``: a filter, see storage/filters.py. ``least``: only images with at
        least this probability; none may be. Words that nobody can judge are ``unknown`` in the answer, and say
        nothing. ``by``: the descriptor of a network with a text tower (``lookalike models import``), which reads the
        text as a whole, or "words" for all that; by default such a network where the gallery holds one. ``boxes``:
        also which part of each hit shows each word, for which the files of the hits are read, and each is looked at in
        some thirty parts; not by a network that reads the text as a whole. Raises UserError in a gallery that holds
        neither `content` nor such a network.
        """
        return text_search(self._library, by).search(text, TextOptions(k, without, like, where, least, boxes))

    def evidence_in(self, image: Row, text: str) -> tuple[WordEvidence, ...]:
        """What speaks for each word of a text in one image of this gallery, and which part of it shows that. Raises
        LoadError for a file that is not what was indexed, UserError in a gallery without `content`."""
        return TextSearch(self._library).evidence_in(image, text)
