// Two pictures, side by side, under a slider, in turn, or as their difference.

import {difference} from '../compare/difference.js';
import {load} from '../compare/sources.js';
import {MODES, Stage} from '../compare/stage.js';
import {$, h, icon, page} from '../core/dom.js';
import {bytes, number} from '../core/format.js';
import {t} from '../core/texts.js';

const host = $('#compare');
const fields = {a: $('#a'), b: $('#b')};
let stage = null;
let round = null;

$('#swap').replaceWith(h('button', {type: 'button', class: 'button', id: 'swap', on: {click: swap}}, icon('swap'), t('compare_swap')));
$('#pair').addEventListener('submit', event => {
    event.preventDefault();
    const pair = {a: fields.a.value, b: fields.b.value};
    history.pushState(null, '', `?${new URLSearchParams(pair)}`);
    run(pair);
});
addEventListener('popstate', () => {
    const query = new URLSearchParams(location.search);
    for (const name of ['a', 'b']) fields[name].value = query.get(name) ?? '';
    run({a: fields.a.value, b: fields.b.value});
});
run(page.data);

function swap() {
    [fields.a.value, fields.b.value] = [fields.b.value, fields.a.value];
    $('#pair').requestSubmit();
}

async function run({a, b}) {
    stage?.close();
    round?.abort();
    round = new AbortController();
    const {signal} = round;
    if (!a || !b) {
        host.replaceChildren(h('p', {class: 'empty'}, t('compare_empty')));
        return;
    }
    host.replaceChildren(h('p', {class: 'muted', role: 'status'}, t('compare_loading')));
    const sides = await Promise.allSettled([load(a, {signal}), load(b, {signal})]);
    if (signal.aborted) return;
    const failed = sides.map((one, index) => one.reason && h('p', {class: 'error', role: 'alert'}, `${'AB'[index]}: ${one.reason.message}`));
    if (failed.some(Boolean)) host.replaceChildren(...failed.filter(Boolean));
    else show(...sides.map(one => one.value));
}

function show(a, b) {
    const zoom = h('output', {class: 'muted compare-zoom'});
    const own = h('div', {class: 'toolbar', id: 'compare-own'});
    stage = new Stage(a, b, {changed: () => {
        zoom.textContent = t('compare_zoom', {n: Math.round((stage?.zoom ?? 1) * 100)});
        const told = $('#compare-shown');
        if (told) told.textContent = t('compare_shown', {name: stage.shown.toUpperCase()});
    }});
    const choose = mode => {
        stage.setMode(mode);
        own.replaceChildren(...controls(mode, a, b));
    };
    host.replaceChildren(
        h('div', {class: 'compare-tools'},
            h('fieldset', {class: 'compare-modes'}, h('legend', {class: 'visually-hidden'}, t('compare_mode')),
                ...MODES.map(mode => h('label', {class: 'compare-mode'},
                    h('input', {type: 'radio', name: 'mode', value: mode, checked: mode === 'side', on: {change: () => choose(mode)}}),
                    h('span', {}, t(`compare_${mode}`))))),
            h('div', {class: 'toolbar'},
                button('zoom-out', 'compare_zoom_out', () => stage.zoomOut()),
                zoom,
                button('zoom-in', 'compare_zoom_in', () => stage.zoomIn()),
                button('full', 'compare_reset', () => stage.reset()))),
        own,
        stage.element,
        facts(a, b));
    choose('side');
}

function button(sign, key, run) {
    return h('button', {type: 'button', class: 'button icon-only', 'aria-label': t(key), title: t(key), on: {click: run}}, icon(sign));
}

function controls(mode, a, b) {
    if (mode === 'slider') {
        const slider = h('input', {
            type: 'range', min: 0, max: 100, value: 50, class: 'compare-divide', 'aria-label': t('compare_divide'),
            on: {input: () => stage.divide(slider.value)},
        });
        return [slider];
    }
    if (mode === 'flicker') {
        const pause = h('button', {type: 'button', class: 'button', on: {click: () => {
            stage.setFlicker(!stage.flickers);
            pause.textContent = t(stage.flickers ? 'compare_pause' : 'compare_go');
        }}}, t(stage.flickers ? 'compare_pause' : 'compare_go'));
        const turn = h('button', {type: 'button', class: 'button', on: {click: () => stage.turn()}}, t('compare_turn'));
        return [pause, turn, h('span', {id: 'compare-shown', class: 'muted'}, t('compare_shown', {name: 'A'}))];
    }
    if (mode === 'difference') {
        const amplify = h('input', {type: 'checkbox', on: {change: () => stage.amplify(amplify.checked)}});
        return [h('p', {class: 'compare-figures', role: 'status'}, figures(a, b)), h('label', {class: 'row'}, amplify, t('compare_amplify'))];
    }
    return [];
}

function figures(a, b) {
    if (Math.abs(a.width / a.height - b.width / b.height) > 0.02) return t('compare_other_size');
    const {share, mean, most} = difference(a, b);
    if (!most) return t('compare_equal');
    return t('compare_differs', {share: number(Math.round(share * 1000) / 10), mean: number(Math.round(mean * 10) / 10), most});
}

function facts(a, b) {
    const row = (key, text) => h('tr', {}, h('th', {scope: 'row'}, t(key)),
        ...[a, b].map((side, index) => h('td', {'data-label': 'AB'[index]}, text(side))));
    return h('table', {class: 'table compare-facts'},
        h('caption', {class: 'visually-hidden'}, t('compare_facts')),
        h('thead', {}, h('tr', {}, h('td', {}), h('th', {scope: 'col'}, 'A'), h('th', {scope: 'col'}, 'B'))),
        h('tbody', {},
            row('compare_size', side => t('compare_pixels', side)),
            row('compare_format', side => side.format),
            row('compare_bytes', side => (side === b && a !== b ? `${bytes(b.bytes)} (${relation(a, b)})` : bytes(side.bytes))),
            row('compare_time', side => t('compare_ms', {n: number(side.ms)}))));
}

function relation(a, b) {
    const n = Math.round((100 * Math.abs(b.bytes - a.bytes)) / a.bytes);
    if (!n) return t('compare_same');
    return t(b.bytes < a.bytes ? 'compare_smaller' : 'compare_larger', {n});
}
