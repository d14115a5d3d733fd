import { createRoot } from "react-dom/client";
import "./fonts";
import "./styles/index.css";

const root = document.getElementById("root");
if (root) createRoot(root).render(<h1>Kakoi</h1>);
