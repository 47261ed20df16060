// The arithmetic of a crop: rectangles in fractions of the picture. Pure functions.

import {rounded} from './values.js';

export const WHOLE = {left: 0, top: 0, right: 1, bottom: 1};

// From the values of the four edges; what makes no rectangle is the whole.
export function fromEdges(values) {
    const edge = (name, fallback) => {
        const number = Number(values[name]);
        return values[name] && Number.isFinite(number) ? Math.min(1, Math.max(0, number)) : fallback;
    };
    const made = {left: edge('left', 0), top: edge('top', 0), right: edge('right', 1), bottom: edge('bottom', 1)};
    // An edge of 0 at the right, or of 1 at the left, means that it isn't set.
    if (made.right === 0) made.right = 1;
    if (made.bottom === 0) made.bottom = 1;
    if (made.left === 1) made.left = 0;
    if (made.top === 1) made.top = 0;
    return made.left < made.right && made.top < made.bottom ? made : {...WHOLE};
}

// As values of the four edges; edges at the border are nothing.
export function toEdges(box) {
    const text = (number, border) => (Math.abs(number - border) < 0.000005 ? '' : rounded(number, 5));
    return {left: text(box.left, 0), top: text(box.top, 0), right: text(box.right, 1), bottom: text(box.bottom, 1)};
}

// Moved, but not over the border.
export function moved(box, across, down) {
    const x = Math.min(1 - box.right, Math.max(-box.left, across));
    const y = Math.min(1 - box.bottom, Math.max(-box.top, down));
    return {left: box.left + x, top: box.top + y, right: box.right + x, bottom: box.bottom + y};
}

// With a corner or edge at another place.
// `handle`: letters of n, s, e, w
// `to`: where it is now
// `rules`: width through height in fractions, 0 for any; the
//   smallest rectangle
export function resized(box, handle, to, {ratio = 0, least = {x: 0.02, y: 0.02}} = {}) {
    const x = Math.min(1, Math.max(0, to.x));
    const y = Math.min(1, Math.max(0, to.y));
    const made = {...box};
    if (handle.includes('w')) made.left = Math.min(x, box.right - least.x);
    if (handle.includes('e')) made.right = Math.max(x, box.left + least.x);
    if (handle.includes('n')) made.top = Math.min(y, box.bottom - least.y);
    if (handle.includes('s')) made.bottom = Math.max(y, box.top + least.y);
    return clipped(ratio ? shaped(made, handle, ratio) : made);
}

// The rectangle between two points.
export function drawn(from, to, rules) {
    const handle = `${to.y < from.y ? 'n' : 's'}${to.x < from.x ? 'w' : 'e'}`;
    return resized({left: from.x, right: from.x, top: from.y, bottom: from.y}, handle, to, rules);
}

// The largest rectangle of a shape around the middle of another one.
export function fitted(box, ratio) {
    const width = box.right - box.left;
    const height = box.bottom - box.top;
    const [w, h] = width / height > ratio ? [height * ratio, height] : [width, width / ratio];
    const x = (box.left + box.right - w) / 2;
    const y = (box.top + box.bottom - h) / 2;
    return {left: x, top: y, right: x + w, bottom: y + h};
}

// Give the rectangle the shape; the sides that the handle does not move stay where they are, as far as there is room.
function shaped(box, handle, ratio) {
    const vertical = handle === 'n' || handle === 's';
    let width = vertical ? (box.bottom - box.top) * ratio : box.right - box.left;
    let height = width / ratio;
    const roomX = handle.includes('w') ? box.right : 1 - box.left;
    const roomY = handle.includes('n') ? box.bottom : 1 - box.top;
    const shrink = Math.min(1, roomX / width, roomY / height);
    width *= shrink;
    height *= shrink;
    return {
        left: handle.includes('w') ? box.right - width : box.left,
        right: handle.includes('w') ? box.right : box.left + width,
        top: handle.includes('n') ? box.bottom - height : box.top,
        bottom: handle.includes('n') ? box.bottom : box.top + height,
    };
}

function clipped(box) {
    return {
        left: Math.max(0, box.left),
        top: Math.max(0, box.top),
        right: Math.min(1, box.right),
        bottom: Math.min(1, box.bottom),
    };
}
