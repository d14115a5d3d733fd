type Urgency = "polite" | "assertive";

const regions: Partial<Record<Urgency, HTMLElement>> = {};

function region(urgency: Urgency): HTMLElement {
  const known = regions[urgency];
  if (known?.isConnected) return known;
  const made = document.createElement("div");
  made.setAttribute("aria-live", urgency);
  made.setAttribute("role", urgency === "assertive" ? "alert" : "status");
  // Keeps React Aria from hiding it while a dialog is open.
  made.setAttribute("data-live-announcer", "true");
  made.className = "sr-only";
  document.body.append(made);
  regions[urgency] = made;
  return made;
}

/** Tells those who listen to the page what those who see it have just seen. */
export function announce(text: string, urgency: Urgency = "polite") {
  const line = document.createElement("div");
  line.textContent = text;
  region(urgency).append(line); // a new child is read even when the words are the same
  setTimeout(() => line.remove(), 7000);
}
