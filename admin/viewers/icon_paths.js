/** Made by tools/assemble_viewers.py from icons and style sheets. */

export const ICONS = {
  "close": "M6 6L18 18M18 6L6 18",
  "down": "M6 9L12 15L18 9",
  "download": "M12 4L12 15M7 10L12 15L17 10M5 19L19 19",
  "fullscreen": "M4 9L4 4L9 4M15 4L20 4L20 9M20 15L20 20L15 20M9 20L4 20L4 15",
  "help": "M8.5 8.5A3.5 3.5 0 1 1 12 12L12 14.5M12 18.5L12 18.6",
  "next": "M9 6L15 12L9 18",
  "pause": "M9 6L9 18M15 6L15 18",
  "play": "M8 5L19 12L8 19L8 5",
  "previous": "M15 6L9 12L15 18",
  "reset": "M5 12A7 7 0 1 0 8 6.26M8 2.5L8 6.5L12 6.5",
  "up": "M6 15L12 9L18 15",
  "zoom-in": "M4 10.5A6.5 6.5 0 1 1 17 10.5A6.5 6.5 0 1 1 4 10.5M15.3 15.3L20 20M10.5 8L10.5 13M8 10.5L13 10.5",
  "zoom-out": "M4 10.5A6.5 6.5 0 1 1 17 10.5A6.5 6.5 0 1 1 4 10.5M15.3 15.3L20 20M8 10.5L13 10.5"
};
