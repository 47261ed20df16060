// Small pictures of files that are still here, as far as the browser can show them.

import {h, icon} from '../core/dom.js';
import {queue} from './queue.js';

const SHOWN = new Set(['image/avif', 'image/gif', 'image/jpeg', 'image/png', 'image/svg+xml', 'image/webp', 'image/bmp']);
const LARGEST = 30 * 1024 * 1024; // decoding a larger one costs more than it tells

export async function previewOf(item) {
    const file = queue.fileOf(item.id);
    if (!file || !SHOWN.has(file.type) || file.size > LARGEST) {
        return blank();
    }
    const url = URL.createObjectURL(file);
    // Not at once: a browser may read it again that has put off to draw it.
    const done = () => setTimeout(() => URL.revokeObjectURL(url), 10_000);
    const fail = event => {
        event.target.replaceWith(blank()); // it is no picture after all
        done();
    };
    return h('img', {src: url, alt: '', loading: 'lazy', decoding: 'async', on: {load: done, error: fail}});
}

const blank = () => h('span', {class: 'upload-blank'}, icon('image'));
