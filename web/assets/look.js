// Runs in the page's head, before anything is painted: the theme and the language that the visitor has chosen.
(() => {
  const root = document.documentElement;
  let language = null, theme = null;
  try {
    language = localStorage.getItem("language");
    theme = localStorage.getItem("theme");
  } catch {
    // storage may be forbidden
  }
  language ??= navigator.language.slice(0, 2);
  if (["en", "uk", "ru"].includes(language)) root.lang = language;
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
})();
