// What the pages do: displays come alive, folded parts open when a link leads into them, votes can be forgotten.
// tools/build.py puts the displays' own code in front of this, in the same function.

const shown = {};
for (const root of document.querySelectorAll("[data-display]")) {
  shown[root.id] = mountOnPage(root, window.displayData[root.dataset.display]);
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1).split("?")[0]));
  if (!target) return;
  for (let one = target; one; one = one.parentElement) if (one.localName === "details") one.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", openTarget);
openTarget();

for (const button of document.querySelectorAll("[data-link-to]")) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    history.replaceState(null, "", shown[button.dataset.linkTo].address());
    let said = "copied";
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      said = "the link is in the address line";  // a page may be forbidden to copy
    }
    button.textContent = said;
    setTimeout(() => { button.textContent = label; }, 2500);
  });
}

document.getElementById("forget")?.addEventListener("click", () => {
  forget();
  history.replaceState(null, "", location.pathname + location.search);
  location.reload();
});

let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const one of folded) one.open = true;
});
addEventListener("afterprint", () => { for (const one of folded) one.open = false; });
