// The code that people paste into their pages: one pure function per kind of output.
//
// Each gets what it needs to know:
//   server      "https://images.example.com/"
//   src, parameters    of the image
//   width, height      of the image as it will be, in pixels; 0 if that isn't known
//   alt, sizes         texts
//   widths      widths of the candidates, in pixels
//   formats     for `picture`: names of formats, best first; the last one is the fall-back
//   loading     'lazy' or 'eager'; `decoding` 'async' or ''; `priority` 'high', 'low' or ''

import {nameOf} from '../core/paths.js';
import {imageAddress, originalAddress} from './address.js';

const MIME = {
    avif: 'image/avif',
    webp: 'image/webp',
    jpg: 'image/jpeg',
    pjpg: 'image/jpeg',
    png: 'image/png',
    gif: 'image/gif',
};

export const OUTPUTS = {
    plain,
    img_tag,
    img_tag_lazy,
    img_srcset_tag,
    picture_tag,
    picture_formats,
    img_tag_zoom,
    img_tag_gallery,
    canvas_zoom,
    slideshow,
    element_image,
    element_zoom,
    css,
    markdown,
    bbcode,
    curl,
};

// Which of them come in candidates of several widths.
export const RESPONSIVE = new Set(['img_srcset_tag', 'picture_tag', 'picture_formats', 'element_image']);

// Which of them have an `alt` text.
export const DESCRIBED = new Set([
    'img_tag',
    'img_tag_lazy',
    'img_srcset_tag',
    'picture_tag',
    'picture_formats',
    'img_tag_zoom',
    'img_tag_gallery',
    'element_image',
    'markdown',
]);

export const PICTURE_WIDTHS = [480, 800];
export const SRCSET_WIDTHS = [480, 800, 1200];

export function code(kind, about) {
    return OUTPUTS[kind](about);
}

// As a value in double quotes of HTML.
export function attribute(text) {
    return String(text).replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

// As a text in single quotes of a script that stands in HTML.
function scriptText(text) {
    return `'${String(text).replace(/\\/g, '\\\\').replace(/'/g, "\\'").replace(/</g, '\\x3C').replace(/\r/g, '\\r').replace(/\n/g, '\\n')}'`;
}

function url(about, more = {}, dropped = []) {
    const parameters = {...about.parameters, ...more};
    for (const name of dropped) delete parameters[name];
    return imageAddress(about.server, about.src, parameters);
}

function tag(name, attributes) {
    const given = Object.entries(attributes).filter(
        ([, value]) => value !== undefined && value !== '' && value !== false,
    );
    return `<${[name, ...given.map(([key, value]) => `${key}="${attribute(value)}"`)].join(' ')}>`;
}

// An `img`; `alt` is there even if it is blank, which says that the picture is an ornament.
function img(about, attributes) {
    const {width, height} = about;
    const size = width && height ? {width: String(width), height: String(height)} : {};
    const text = tag('img', {
        ...attributes,
        ...size,
        loading: lazily(about),
        decoding: about.decoding,
        fetchpriority: about.priority,
    });
    return text.replace(/^<img( src="[^"]*")?/, start => `${start} alt="${attribute(about.alt ?? '')}"`);
}

function lazily(about) {
    return about.loading === 'lazy' && about.priority !== 'high' ? 'lazy' : '';
}

export function plain(about) {
    return url(about);
}

export function img_tag(about) {
    return img(about, {src: url(about)});
}

export function img_tag_lazy(about) {
    const image = img(
        {...about, loading: '', priority: ''},
        {
            src: `${about.server}static/images/spacer.png`,
            'data-defer-src': url(about),
        },
    );
    return `${image}\n${script(about, 'js/image-defer.min.js', ' async')}`;
}

export function img_srcset_tag(about) {
    const widths = candidates(about, SRCSET_WIDTHS);
    return img(
        {...about, height: 0},
        {
            src: sized(about, widths.at(-1)),
            srcset: srcset(about, widths),
            sizes: about.sizes || '100vw',
        },
    );
}

// One picture for narrow, middle and wide screens.
export function picture_tag(about) {
    const widths = candidates(about, PICTURE_WIDTHS);
    const lines = widths.map((width, index) => {
        const from = index ? `(min-width: ${widths[index - 1] + 1}px) and ` : '';
        return `  ${tag('source', {media: `${from}(max-width: ${width}px)`, srcset: sized(about, width)})}`;
    });
    lines.push(`  ${tag('source', {media: `(min-width: ${widths.at(-1) + 1}px)`, srcset: url(about)})}`);
    return ['<picture>', ...lines, `  ${img(about, {src: url(about)})}`, '</picture>'].join('\n');
}

// Each browser takes the best format it knows, in the width it needs.
export function picture_formats(about) {
    const widths = candidates(about, SRCSET_WIDTHS);
    const sizes = about.sizes || '100vw';
    const [fallback, ...better] = [...(about.formats ?? ['avif', 'webp', 'jpg'])].reverse();
    const lines = better.reverse().map(format => {
        const set = srcset(about, widths, {format});
        return `  ${tag('source', {type: MIME[format] ?? `image/${format}`, srcset: set, sizes})}`;
    });
    const last = {...about, parameters: {...about.parameters, format: fallback}};
    const image = img(last, {src: sized(last, widths.at(-1)), srcset: srcset(last, widths), sizes});
    return ['<picture>', ...lines, `  ${image}`, '</picture>'].join('\n');
}

export function img_tag_zoom(about) {
    return [
        ...head(about, ['canvas_view'], ['canvas_view']),
        img(about, {src: url(about), class: 'click-to-zoom'}),
        call('canvas_view_init_all_images', ["'click-to-zoom'"]),
    ].join('\n');
}

export function img_tag_gallery(about) {
    return [
        ...head(about, ['canvas_view', 'gallery_view'], ['canvas_view', 'gallery_view']),
        img(about, {src: url(about), class: 'auto-gallery'}),
        call('gallery_view_init_all_fullscreen', ["'auto-gallery'"]),
    ].join('\n');
}

export function canvas_zoom(about) {
    return [
        ...head(about, ['canvas_view'], ['canvas_view']),
        `<div id="zoom" class="imageviewer" style="${box(about)}"></div>`,
        call('canvas_view_init', ["'zoom'", scriptText(url(about))]),
    ].join('\n');
}

export function slideshow(about) {
    const shown = (about.images ?? [{src: about.src}]).map(one => `    {src: ${scriptText(one.src)}},`);
    const parameters = Object.entries(about.parameters)
        .filter(([name]) => !['width', 'height', 'autosizefit'].includes(name))
        .map(([name, value]) => `${name}: ${scriptText(value)}`);
    return [
        ...head(about, [], ['slideshow_view']),
        `<div id="slideshow" style="${box(about)}"></div>`,
        '<script>',
        "slideshow_view_init('slideshow', {",
        `  server: ${scriptText(about.server)},`,
        ...(parameters.length ? [`  params: {${parameters.join(', ')}},`] : []),
        '  images: [',
        ...shown,
        '  ],',
        '});',
        '</script>',
    ].join('\n');
}

export function element_image(about) {
    const widths = candidates(about, SRCSET_WIDTHS);
    const attributes = {src: url(about), alt: about.alt ?? '', widths: widths.join(' '), sizes: about.sizes || '100vw'};
    return `${elements(about)}\n${tag('qis-image', attributes)}</qis-image>`;
}

export function element_zoom(about) {
    return `${elements(about)}\n<qis-zoom src="${attribute(url(about))}" style="${box(about)}"></qis-zoom>`;
}

// The plain address for all, and for browsers that know `image-set` the best format.
export function css(about) {
    const [fallback, ...better] = [...(about.formats ?? ['avif', 'webp', 'jpg'])].reverse();
    const choices = [...better.reverse(), fallback].map(
        format => `    ${cssUrl(url(about, {format}))} type("${MIME[format] ?? `image/${format}`}")`,
    );
    return [
        `background-image: ${cssUrl(url(about))};`,
        'background-image: image-set(',
        `${choices.join(',\n')}`,
        ');',
    ].join('\n');
}

export function markdown(about) {
    const alt = String(about.alt ?? '')
        .replace(/\\/g, '\\\\')
        .replace(/([[\]])/g, '\\$1')
        .replace(/\s+/g, ' ');
    return `![${alt}](${url(about)})`;
}

export function bbcode(about) {
    return `[img]${url(about)}[/img]`;
}

export function curl(about) {
    return `curl --fail --output ${shell(fileName(about))} ${shell(url(about))}`;
}

// Where this very image can be saved from, at this server.
export function download(about) {
    return url(about, {attach: '1'});
}

export function original(about) {
    return originalAddress(about.server, about.src, {attach: '1'});
}

// What a file of it is called: the source's name, with the extension of its format.
function fileName(about) {
    const name = nameOf(about.src);
    const {format} = about.parameters;
    if (!format) return name;
    const stem = name.replace(/\.[^.]*$/, '');
    return `${stem}.${['pjpg', 'auto'].includes(format) ? 'jpg' : format}`;
}

function candidates(about, usual) {
    const most = about.largest || Infinity;
    const wanted = [...new Set(about.widths?.length ? about.widths : usual)].sort((a, b) => a - b);
    const fitting = wanted.filter(width => width <= most);
    // Nothing is ever enlarged: the largest one there is stands for all beyond it.
    if (fitting.length < wanted.length && Number.isFinite(most) && !fitting.includes(most)) fitting.push(most);
    return fitting;
}

// The image in another width; where both sides are set, in the same shape.
function sized(about, width, more = {}) {
    const {width: full, height} = about.parameters;
    if (Number(full) && Number(height) && !about.free) {
        return url(about, {
            width: String(width),
            height: String(Math.max(1, Math.round((height * width) / full))),
            ...more,
        });
    }
    return url(about, {width: String(width), ...more}, ['height']);
}

function srcset(about, widths, more = {}) {
    return widths.map(width => `${sized(about, width, more)} ${width}w`).join(', ');
}

function head(about, styles, scripts) {
    return [
        ...styles.map(name => `<link rel="stylesheet" href="${attribute(about.server)}static/styles/${name}.css">`),
        ...scripts.map(name => script(about, `js/${name}.min.js`)),
    ];
}

function script(about, name, more = '') {
    return `<script src="${attribute(about.server)}static/${name}"${more}></script>`;
}

function elements(about) {
    return `<script type="module" src="${attribute(about.server)}static/js/qis-viewers.js"></script>`;
}

function call(name, given) {
    return `<script>\n${name}(${given.join(', ')});\n</script>`;
}

function box(about) {
    return `width: ${about.width || 500}px; height: ${about.height || 500}px`;
}

function cssUrl(text) {
    return `url("${text}")`;
}

function shell(text) {
    return `'${text.replace(/'/g, "'\\''")}'`;
}
