/** The controls of the zoom viewer: a bar that hangs below the picture, and the texts that are laid over it. */

import { make, plainText, shortened } from './base.js';
import { iconButton } from './icons.js';

const TITLE_MOST = 24;

/** Option of `controls`, text, icon, class, and the deed of the viewer, in the order in which they are shown. */
const BUTTONS = [
  ['download', 'download', 'download', 'download', 'download'],
  ['help', 'help', 'help', 'help', 'toggleHelp'],
  ['reset', 'reset', 'reset', 'reset', 'reset'],
  ['zoomin', 'zoomIn', 'zoom-in', 'zoomin', 'zoomIn'],
  ['zoomout', 'zoomOut', 'zoom-out', 'zoomout', 'zoomOut'],
  ['fullscreen', 'fullscreen', 'fullscreen', 'fulltoggle', 'toggleFullscreen'],
];

export class Panel {
  constructor(viewer) {
    this.viewer = viewer;
    this.texts = viewer.texts;
    this.icons = {};
    this.element = make('div', {
      class: 'controlpanel',
      part: 'panel',
      role: 'toolbar',
      'aria-label': this.texts.controls,
    });
    this.element.append(make('div', { class: 'panelbg' }));
    this.fill(viewer.options.controls);
    this.parts = [this.element];
    if (viewer.options.showcontrols === 'auto') this.addToggle();
    viewer.container.append(...this.parts);
  }

  fill(wanted) {
    if (wanted.title) {
      this.title = make('button', { type: 'button', class: 'controltitle', part: 'title' });
      this.title.addEventListener('click', () => this.viewer.toggleInfo());
      this.title.hidden = true;
      this.element.append(this.title);
    }
    for (const [option, text, icon, className, deed] of BUTTONS) {
      if (!wanted[option]) continue;
      if (this.element.children.length > 1) this.element.append(make('span', { class: 'separator' }));
      const button = iconButton(icon, this.texts[text], `icon ${className}`, () => this.viewer[deed]());
      button.setAttribute('part', `button ${option}`);
      for (const [name, on] of [['pointerenter', true], ['pointerleave', false]]) {
        button.addEventListener(name, () => button.classList.toggle('rollover', on));
      }
      this.icons[option] = button;
      this.element.append(button);
    }
  }

  addToggle() {
    this.toggle = iconButton('down', this.texts.controls, 'controltoggle', () => this.fold(!this.folded));
    this.toggle.setAttribute('part', 'toggle');
    this.parts.push(this.toggle);
    this.fold(true);
  }

  fold(folded) {
    this.folded = folded;
    this.element.classList.toggle('up', folded);
    this.toggle.classList.toggle('up', folded);
    this.toggle.setAttribute('aria-expanded', String(!folded));
  }

  /** Room under the picture that it takes when it is not folded. */
  get height() {
    return this.element.offsetHeight;
  }

  setTitle(title) {
    if (!this.title || !title) return;
    this.title.textContent = shortened(title.replace(/\s+/g, ' '), TITLE_MOST);
    this.title.title = this.texts.info;
    this.title.hidden = false;
  }

  enable(option, on) {
    const button = this.icons[option];
    if (!button || button.disabled === !on) return;
    const hadFocus = button.matches(':focus');
    button.disabled = !on;
    button.classList.toggle('disabled', !on);
    if (hadFocus && !on) this.viewer.canvas.focus({ preventScroll: true });
  }

  setFullscreen(on) {
    const button = this.icons.fullscreen;
    if (!button) return;
    button.title = on ? this.texts.leaveFullscreen : this.texts.fullscreen;
    button.setAttribute('aria-label', button.title);
    button.setAttribute('aria-pressed', String(on));
    if (on && this.toggle) this.fold(false);
  }
}

/** A text over the picture. `kind` is its class. */
export function alertPanel(kind, label, lines, closeLabel, closed) {
  const panel = make('div', { class: `alertpanel ${kind}`, part: `text ${kind}`, role: 'group', 'aria-label': label });
  for (const line of lines) panel.append(line);
  panel.prepend(iconButton('close', closeLabel, 'icon close', closed));
  return panel;
}

export function helpLines(texts) {
  return [make('ul', {}, ...texts.helpLines.map((line) => make('li', {}, line)))];
}

export function infoLines(title, description) {
  return [make('h2', {}, plainText(title)), make('p', {}, plainText(description))];
}
