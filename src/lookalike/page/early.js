// Not a module, so that it runs before anything is painted: the theme that was chosen.
"use strict";
try {
  const theme = localStorage.getItem("lookalike-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* a private window remembers nothing */ }
