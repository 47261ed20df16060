// The focal point: where it is, setting it by a click or by keys, and what crops look like with it.

import {api, imageUrl} from '../core/api.js';
import {copyButton} from '../core/copy.js';
import {openDialog} from '../core/dialog.js';
import {$, absolute, h} from '../core/dom.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';

// The five shapes that previews are shown in; `size` is that of the crops that the server makes.
const SHAPES = [
    {name: 'square', ratio: 1, size: [800, 800]},
    {name: 'portrait', ratio: 4 / 5, size: [800, 1000]},
    {name: 'wide', ratio: 16 / 9, size: [1280, 720]},
    {name: 'banner', ratio: 3, size: [1500, 500]},
    {name: 'round', ratio: 1, size: [256, 256]},
];
const STEP = 0.01;
const BIG_STEP = 0.1;

const pathOf = image => `admin/images/${image.id}/focal/`;
const percent = part => Math.round(part * 100);
const bounded = part => Math.min(1, Math.max(0, part));

// The buttons beside the point, among the facts.
export function enhanceFocal(fact, image) {
    $('dd', fact).append(
        ' ',
        ...(image.may.edit ? [h('button', {
            type: 'button', class: 'button quiet', id: 'focal-set', on: {click: () => openFocal(image)},
        }, t('image_focal_change'))] : []),
        h('button', {
            type: 'button', class: 'button quiet', id: 'focal-crops', on: {click: () => openCrops(image)},
        }, t('image_focal_crops')));
}

function show(focal) {
    const text = $('#fact-focal .fact-text');
    text.textContent = t(`image_focal_${focal.source}`, {x: percent(focal.x), y: percent(focal.y)});
    text.classList.toggle('muted', !focal.set);
}

export async function openFocal(image) {
    const focal = await api.get(pathOf(image));
    const chooser = new Chooser(image, focal);
    const answer = await openDialog({
        title: t('focal_title'),
        body: chooser.element,
        wide: true,
        actions: [
            {label: t('cancel'), value: 'no'},
            ...(focal.set ? [{label: t('focal_reset'), value: 'reset', kind: ''}] : []),
            {label: t('focal_save'), value: 'save', kind: 'primary'},
        ],
    });
    if (answer === null || answer === 'no') return;
    await change(image, answer === 'save' ? chooser.point : null);
    toast(t(answer === 'save' ? 'focal_saved' : 'focal_cleared'), {
        action: {label: t('image_undo'), run: () => change(image, focal.set ? {x: focal.x, y: focal.y} : null)},
    });
}

async function change(image, point) {
    show(point
        ? await api.put(pathOf(image), {x: point.x.toFixed(5), y: point.y.toFixed(5)})
        : await api.delete(pathOf(image)));
}

class Chooser {
    constructor(image, focal) {
        this.point = {x: focal.x, y: focal.y};
        this.address = imageUrl(image.src, {width: 1000, height: 700, autosizefit: 1, format: 'jpg', strip: 1, stats: 0});
        this.mark = h('span', {class: 'focal-mark', 'aria-hidden': 'true'});
        this.proposed = focal.proposal && h('span', {class: 'focal-mark focal-proposal', 'aria-hidden': 'true'});
        this.stage = h('div', {class: 'focal-stage', tabindex: 0, autofocus: true, role: 'group', 'aria-label': t('focal_picture'), on: {
            pointerdown: event => this.pointed(event),
            pointermove: event => event.buttons && this.pointed(event),
            keydown: event => this.keyed(event),
        }}, h('img', {src: this.address, alt: '', draggable: 'false'}), this.proposed || '', this.mark);
        this.fields = {x: this.field('x'), y: this.field('y')};
        this.previews = SHAPES.map(shape => ({shape, picture: h('img', {src: this.address, alt: ''})}));
        for (const {picture} of this.previews) picture.addEventListener('load', () => this.show());
        this.element = h('div', {class: 'focal'},
            h('p', {class: 'muted'}, t('focal_text')),
            h('div', {class: 'focal-columns'},
                h('div', {class: 'stack'}, h('div', {class: 'focal-middle'}, this.stage), this.controls(focal)),
                h('div', {class: 'focal-previews', role: 'group', 'aria-label': t('focal_previews')}, ...this.previews.map(preview))));
        if (this.proposed) place(this.proposed, focal.proposal);
        this.show();
    }

    controls(focal) {
        return h('div', {class: 'focal-fields'},
            ...['x', 'y'].map(axis => h('label', {class: 'field'}, t(`focal_${axis}`), this.fields[axis])),
            focal.proposal ? h('button', {
                type: 'button', class: 'button', on: {click: () => this.set(focal.proposal)},
            }, t('focal_use_proposal')) : '');
    }

    field(axis) {
        const input = h('input', {
            type: 'number', min: 0, max: 100, step: 1, id: `focal-${axis}`, inputmode: 'numeric',
            on: {
                input: () => input.checkValidity() && input.value !== ''
                    && this.set({...this.point, [axis]: input.valueAsNumber / 100}, axis),
            },
        });
        return input;
    }

    pointed(event) {
        const box = this.stage.getBoundingClientRect();
        this.set({x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height});
        event.preventDefault();
        this.stage.focus();
    }

    keyed(event) {
        const by = event.shiftKey ? BIG_STEP : STEP;
        const [x, y] = {ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by]}[event.key] ?? [];
        if (x === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        this.set({x: this.point.x + x, y: this.point.y + y});
    }

    // `typed`: the axis in whose field somebody is typing, which is left to them.
    set({x, y}, typed = '') {
        this.point = {x: bounded(x), y: bounded(y)};
        this.show(typed);
    }

    show(typed = '') {
        place(this.mark, this.point);
        for (const axis of ['x', 'y']) {
            if (axis !== typed) this.fields[axis].value = String(percent(this.point[axis]));
        }
        for (const {shape, picture} of this.previews) picture.style.objectPosition = position(picture, shape.ratio, this.point);
    }
}

function preview({shape, picture}) {
    return h('figure', {class: `focal-preview focal-${shape.name}`}, picture, h('figcaption', {}, t(`focal_${shape.name}`)));
}

function place(mark, {x, y}) {
    mark.style.left = `${x * 100}%`;
    mark.style.top = `${y * 100}%`;
}

// The object-position with which the point is in the middle of the crop, or as near to it as the edges allow.
export function position(picture, ratio, point) {
    const whole = (picture.naturalWidth || 1) / (picture.naturalHeight || 1);
    const along = (part, size) => (size >= 1 ? 50 : (100 * bounded((part - size / 2) / (1 - size))));
    const width = Math.min(1, ratio / whole);
    const height = Math.min(1, whole / ratio);
    return `${along(point.x, width).toFixed(2)}% ${along(point.y, height).toFixed(2)}%`;
}

function openCrops(image) {
    const crop = ({name, size: [width, height]}) => {
        const address = imageUrl(image.src, {width, height, focus: 'auto'});
        const size = h('span', {class: 'muted'});
        const picture = h('img', {
            src: `${address}&stats=0`, alt: t(`focal_${name}`), loading: 'lazy',
            on: {load: () => { size.textContent = `${picture.naturalWidth} × ${picture.naturalHeight}`; }},
        });
        return h('figure', {class: `focal-preview focal-${name}`},
            h('a', {href: address}, picture),
            h('figcaption', {class: 'row'}, t(`focal_${name}`), size,
                copyButton(() => absolute(address), {label: t('image_copy_link', {name: t(`focal_${name}`)})})));
    };
    return openDialog({
        title: t('focal_crops_title'),
        body: h('div', {}, h('p', {class: 'muted'}, t('focal_crops_text')), h('div', {class: 'focal-crops'}, ...SHAPES.map(crop))),
        wide: true,
    });
}
