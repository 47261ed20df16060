/** How movements begin and end: from 0 to 1 in the time from 0 to 1. */

const BACK = 1.70158;
const BACK_BOTH = BACK * 1.525;

const EASINGS = {
  linear: (t) => t,
  'in-out-back': (t) =>
    t < 0.5
      ? (4 * t * t * ((BACK_BOTH + 1) * 2 * t - BACK_BOTH)) / 2
      : ((2 * t - 2) ** 2 * ((BACK_BOTH + 1) * (2 * t - 2) + BACK_BOTH) + 2) / 2,
  'in-out-quadratic': (t) => (t < 0.5 ? 2 * t * t : 1 - 2 * (1 - t) ** 2),
  'in-out-sine': (t) => (1 - Math.cos(Math.PI * t)) / 2,
  'out-back': (t) => 1 + (BACK + 1) * (t - 1) ** 3 + BACK * (t - 1) ** 2,
  'out-quadratic': (t) => 1 - (1 - t) ** 2,
  'out-sine': (t) => Math.sin((Math.PI * t) / 2),
};

export function easing(name) {
  return EASINGS[name] || EASINGS.linear;
}
