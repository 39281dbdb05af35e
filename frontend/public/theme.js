// Runs before the first paint so that a person who chose a theme never sees the other one flash.
// A file of its own because the content security policy refuses inline scripts.
(function () {
  try {
    var theme = localStorage.getItem("aiguilleur.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch (_) {
    /* storage refused: the system's preference applies */
  }
})();
