import { useState } from "react";

const key = "kakoi.side";

/** Whether the person folded the side away on wide screens; kept on this browser. */
export function useFolded(): [boolean, (folded: boolean) => void] {
  const [folded, setFolded] = useState(() => {
    try {
      return localStorage.getItem(key) === "folded";
    } catch {
      return false;
    }
  });
  return [
    folded,
    (next) => {
      setFolded(next);
      try {
        if (next) localStorage.setItem(key, "folded");
        else localStorage.removeItem(key);
      } catch {
        // Forbidden by policy: it lasts as long as the page.
      }
    },
  ];
}
