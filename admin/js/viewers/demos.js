// Each viewer at work on the samples, with options to change and the code that makes it so.

import {imageUrl} from '../core/api.js';
import {$, h, page} from '../core/dom.js';
import {nameOf} from '../core/paths.js';
import {t} from '../core/texts.js';

const EASINGS = ['out-quadratic', 'linear', 'in-out-quadratic', 'in-out-sine', 'in-out-back', 'out-back', 'out-sine'];
const EVENTS_SHOWN = 50;
const {samples, server} = page.data;
const stage = $('#viewer');

export const demos = {
    canvasview: canvasDemo,
    gallery: galleryDemo,
    slideshow: slideshowDemo,
    simpleview: simpleDemo,
};

function canvasDemo() {
    const options = {};
    const picture = pictureChoice();
    const begin = () => {
        canvas_view_init(stage, imageUrl(picture.value), options, told('onload', 'oninfo', 'ondownload', 'onfullscreen'));
        showCode(
            ['canvas_view.css'],
            ['canvas_view.min.js'],
            `canvas_view_init('viewer', '${server}image?src=${picture.value}'${literal(options)});`,
        );
    };
    const option = setter(options, begin);
    addOptions(
        labelled(t('picture'), picture),
        choice(t('controls'), ['auto', 'yes', 'no'], option('showcontrols'), value => t(`controls_${value}`)),
        choice(t('animation'), EASINGS, option('animation')),
        tick(t('download'), false, on => option('controls')({download: on})),
        button(t('zoom_in'), () => canvas_view_zoom_in(stage)),
        button(t('zoom_out'), () => canvas_view_zoom_out(stage)),
        button(t('reset'), () => canvas_view_reset(stage)),
        button(t('fullscreen'), () => canvas_view_toggle_fullscreen(stage)),
    );
    picture.addEventListener('change', begin);
    begin();
    addThumbs();
    canvas_view_init_all_images('viewer-thumb', {}, told('onload', 'onfullscreen'));
}

function galleryDemo() {
    const options = {server, images: samples.map(src => ({src}))};
    const begin = () => {
        gallery_view_init(stage, options, told('onchange', 'onload', 'onfullscreen'));
        showCode(
            ['canvas_view.css', 'gallery_view.css'],
            ['canvas_view.min.js', 'gallery_view.min.js'],
            `gallery_view_init('viewer'${literal(options)});`,
        );
    };
    const option = setter(options, begin);
    addOptions(
        choice(t('thumbs'), ['120', '80', '160'], size => option('thumbsize')({width: Number(size), height: Number(size)})),
        choice(
            t('controls'),
            ['auto', 'yes', 'no'],
            value => option('viewer')({showcontrols: value}),
            value => t(`controls_${value}`),
        ),
    );
    begin();
    addThumbs();
    gallery_view_init_all_fullscreen('viewer-thumb', {}, told('onchange', 'onfullscreen'));
}

function slideshowDemo() {
    const options = {server, images: samples.map(src => ({src}))};
    const begin = () => {
        slideshow_view_init(stage, options, told('onchange', 'onclick'));
        showCode([], ['slideshow_view.min.js'], `slideshow_view_init('viewer'${literal(options)});`);
    };
    const option = setter(options, begin);
    addOptions(
        choice(t('mode'), ['slide', 'stack', 'fade'], option('mode')),
        choice(t('delay'), ['5', '2', '10'], value => option('delay')(Number(value))),
        tick(t('arrows'), true, option('controls')),
        tick(t('dots'), true, option('dots')),
        button(t('start'), () => slideshow_view_start(stage)),
        button(t('stop'), () => slideshow_view_stop(stage)),
    );
    begin();
}

function simpleDemo() {
    const picture = pictureChoice();
    const begin = () => {
        simple_view_init(stage, imageUrl(picture.value));
        showCode(
            ['simple_view.css'],
            ['simple_view.min.js'],
            `simple_view_init('viewer', '${server}image?src=${picture.value}');`,
        );
    };
    addOptions(labelled(t('picture'), picture), button(t('reset'), () => simple_view_reset(stage)));
    picture.addEventListener('change', begin);
    begin();
    const image = h('img', {src: imageUrl(samples.at(-1), {width: 480, height: 320, autosizefit: 1}), alt: nameOf(samples.at(-1))});
    $('#viewer-more').append(h('div', {class: 'large'}, image));
    simple_view_init_image(image);
}

// Parts

function addThumbs() {
    const thumb = src => imageUrl(src, {width: 320, height: 220, autosizefit: 1});
    $('#viewer-more').append(
        ...samples.map(src => h('img', {class: 'viewer-thumb', src: thumb(src), alt: nameOf(src), loading: 'lazy'})),
    );
}

// Functions for the events of these names, which write down what they are told.
function told(...names) {
    const list = $('#viewer-events');
    const note = name => (...values) => {
        list.prepend(h('p', null, `${name}(${values.map(value => JSON.stringify(value)).join(', ')})`));
        list.children[EVENTS_SHOWN]?.remove();
    };
    return Object.fromEntries(names.map(name => [name, note(name)]));
}

// Something that changes an option, and begins anew.
function setter(options, begin) {
    return name => value => {
        options[name] = value;
        begin();
    };
}

function literal(options) {
    return Object.keys(options).length ? `, ${JSON.stringify(options, null, 2)}` : '';
}

function addOptions(...parts) {
    $('#viewer-options').append(...parts);
}

function labelled(label, field) {
    return h('label', null, label, field);
}

function choice(label, values, changed, textOf = value => value) {
    const select = h(
        'select',
        {on: {change: () => changed(select.value)}},
        values.map(value => h('option', {value}, textOf(value))),
    );
    return labelled(label, select);
}

function pictureChoice() {
    return h(
        'select',
        null,
        samples.map(src => h('option', {value: src}, nameOf(src))),
    );
}

function tick(label, on, changed) {
    const box = h('input', {type: 'checkbox', on: {change: () => changed(box.checked)}});
    box.checked = on;
    return labelled(label, box);
}

function button(label, deed) {
    return h('button', {type: 'button', class: 'button', on: {click: deed}}, label);
}

function showCode(styles, scripts, call) {
    const size = 'width: 100%; height: 500px';
    $('#viewer-code').textContent = [
        ...styles.map(name => `<link rel="stylesheet" href="${server}static/styles/${name}">`),
        ...scripts.map(name => `<script src="${server}static/js/${name}"></script>`),
        `<div id="viewer" style="${size}"></div>`,
        '<script>',
        call,
        '</script>',
    ].join('\n');
}
