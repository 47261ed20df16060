// Addresses and markup to be copied.

import {imageUrl} from '../core/api.js';
import {copyButton} from '../core/copy.js';
import {t} from '../core/texts.js';

const WIDTHS = [480, 800, 1200];

export function copyRow(place, text, name) {
    place.replaceChildren(copyButton(text, {label: t('image_copy_link', {name})}));
}

const ENTITIES = {'&': '&amp;', '"': '&quot;', '<': '&lt;', '>': '&gt;'};
const quoted = text => text.replace(/[&"<>]/g, sign => ENTITIES[sign]);
const absolute = (src, parameters) => new URL(imageUrl(src, parameters), location.href).href;

// A picture element that lets browsers choose the format and the width.
export function pictureMarkup(image) {
    const widths = WIDTHS.filter(width => width < image.width);
    if (widths.length < WIDTHS.length) widths.push(Math.min(image.width, WIDTHS.at(-1)));
    const set = format => widths.map(width => `${absolute(image.src, {width, format})} ${width}w`).join(', ');
    const source = format => `  <source type="image/${format}" srcset="${quoted(set(format))}" sizes="100vw">`;
    const width = widths.at(-1);
    const height = Math.round((image.height * width) / image.width);
    return [
        '<picture>',
        source('avif'),
        source('webp'),
        `  <img src="${quoted(absolute(image.src, {width, format: 'jpg'}))}" srcset="${quoted(set('jpg'))}" sizes="100vw"`,
        `    width="${width}" height="${height}" alt="${quoted(image.title)}" loading="lazy" decoding="async">`,
        '</picture>',
    ].join('\n');
}
