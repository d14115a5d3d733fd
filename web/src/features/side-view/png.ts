import { type Drawing, svgImage } from "@/lib/markdown";

const scale = 2;
const mostPixels = 40_000_000;

/** Paints a drawing on the colour of the page and hands it over as a PNG. */
export async function downloadPng(name: string, { svg, width, height }: Drawing): Promise<void> {
  const image = new Image();
  await new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = reject;
    image.src = svgImage(svg);
  });
  const w = (width || image.naturalWidth || 600) * scale;
  const h = (height || image.naturalHeight || 400) * scale;
  const shrink = Math.min(1, Math.sqrt(mostPixels / (w * h)));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(w * shrink);
  canvas.height = Math.round(h * shrink);
  const paper = canvas.getContext("2d");
  if (!paper) throw new Error("nothing to paint on");
  paper.fillStyle = getComputedStyle(document.body).backgroundColor;
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("no picture came of it");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
