"use strict";
const box = document.getElementById("descent-steps");
const slider = document.getElementById("descent-step");
const told = document.getElementById("descent-told");
const walkers = document.querySelectorAll("#descent .walker");
function show() {
  const k = Number(slider.value);
  for (const dot of walkers) {
    dot.setAttribute("cx", dot.dataset.x.split(" ")[k]);
    dot.setAttribute("cy", dot.dataset.y.split(" ")[k]);
  }
  const text = told.dataset.texts.split("|")[k];
  told.textContent = text;
  slider.setAttribute("aria-valuetext", text);
}
slider.addEventListener("input", show);
box.hidden = false;
show();
