"use strict";
(() => {
  const button = document.getElementById("share");
  const { url, text, copied } = button.dataset;
  const copies = !navigator.share && navigator.clipboard;
  if (!navigator.share && !copies) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      if (copies) {
        await navigator.clipboard.writeText(`${text} ${url}`);
        button.textContent = copied;
      } else {
        await navigator.share({ text, url });
      }
    } catch { /* the menu was closed, or copying is not allowed: the ways below are there */ }
  });
})();
