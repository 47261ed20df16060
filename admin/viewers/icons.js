/** Icons as part of the page, so that they take its colours and load nothing. */

import { ICONS } from './icon_paths.js';

const SVG = 'http://www.w3.org/2000/svg';

export function drawn(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  for (const [attribute, value] of Object.entries({
    d: ICONS[name],
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': '2',
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
  })) {
    path.setAttribute(attribute, value);
  }
  svg.append(path);
  return svg;
}

/** A button that is an icon, with its name for those who don't see it. */
export function iconButton(name, label, className, pressed) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = className;
  button.title = label;
  button.setAttribute('aria-label', label);
  button.append(drawn(name));
  button.addEventListener('click', (event) => {
    event.stopPropagation();
    pressed(event);
  });
  return button;
}
