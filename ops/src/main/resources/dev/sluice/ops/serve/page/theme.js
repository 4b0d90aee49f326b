// Runs before the page is drawn, so that it does not flash: the theme that was chosen, if one was.
(() => {
  const chosen = localStorage.getItem('sluice-theme');
  if (chosen === 'dark' || chosen === 'light') {
    document.documentElement.dataset.theme = chosen;
  }
})();
