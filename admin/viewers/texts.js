/** The words of the viewers. */

const TEXTS = {
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  reset: 'Whole picture',
  fullscreen: 'Full screen',
  leaveFullscreen: 'Leave full screen',
  help: 'Help',
  info: 'About this picture',
  download: 'Download',
  close: 'Close',
  controls: 'Controls',
  picture: 'Picture',
  loading: 'Loading …',
  noImages: 'There are no pictures here.',
  denied: 'This picture is not public.',
  missing: 'There is no such picture.',
  unsupported: 'This file is no picture that can be shown.',
  failed: 'The picture could not be loaded.',
  previous: 'Previous',
  next: 'Next',
  pause: 'Pause',
  play: 'Play',
  pictures: 'Pictures',
  number: 'Picture {n} of {all}',
  divider: 'Divider between the two pictures',
  helpLines: [
    'Click or tap: closer; with Shift: further away',
    'Drag: move the picture',
    'Double click: the whole picture again',
    'Two fingers, or Ctrl and wheel: zoom',
    '+ and −: zoom; 0: whole picture; arrows: move',
    'f: full screen; i: about this picture; Esc: back',
  ],
};

/**
 * The texts for a viewer: those that the page has for its language (`QIS_TEXTS = {de: {…}}`), and its option `texts`
 * over them. The language is the option `lang`, or that of the viewer's place in the page.
 */
export function textsFor(element, options) {
  const marked = element.closest('[lang]');
  const language = String(options.lang || (marked && marked.lang) || 'en').toLowerCase().split('-')[0];
  return { ...TEXTS, ...(window.QIS_TEXTS || {})[language], ...options.texts };
}

/** A text with its {values}. */
export function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}
