// Small pictures of images, beside their names.

import {THUMB, imageUrl} from './api.js';
import {h, page} from './dom.js';

// `size`: of its square, in pixels. A file that can't be shown is in search and in lists as well: in the place of its
// picture is a sign then, not a hole.
export function thumb(src, size, attributes = {}) {
    const picture = h('img', {src: imageUrl(src, THUMB), alt: '', width: size, height: size, loading: 'lazy', ...attributes});
    picture.addEventListener('error', () => {
        picture.src = `${page.static}images/broken.svg`;
    }, {once: true});
    return picture;
}
