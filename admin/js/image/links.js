// Addresses and markup to be copied.

import {copyButton} from '../core/copy.js';
import {absolute, page} from '../core/dom.js';
import {t} from '../core/texts.js';
import {SRCSET_WIDTHS, picture_formats} from '../publish/codes.js';

export function copyRow(place, text, name) {
    place.replaceChildren(copyButton(text, {label: t('image_copy_link', {name})}));
}

// A picture element that lets browsers choose the format and the width.
export function pictureMarkup({src, width: largest, height: whole, title}) {
    const width = Math.min(largest, SRCSET_WIDTHS.at(-1));
    const height = Math.round((whole * width) / largest);
    const server = absolute(page.root);
    return picture_formats({server, src, parameters: {}, width, height, largest, alt: title, loading: 'lazy', decoding: 'async'});
}
