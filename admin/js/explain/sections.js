// An explanation as sections: who gets it, what holds, where it comes from, how long it takes, how large it is.

import {imageUrl} from '../core/api.js';
import {copyButton} from '../core/copy.js';
import {h, page, url} from '../core/dom.js';
import {bytes, number} from '../core/format.js';
import {parentOf} from '../core/paths.js';
import {t} from '../core/texts.js';

const SIZES = ['source', 'rotated', 'crop', 'picture', 'canvas', 'tile', 'output'];
const NOTHING_MS = 0.05;

// `deeds` measure what is not known without making the image.
export function explanation(found, query, deeds) {
    return h('div', {class: 'explain-grid'},
        answer(found, query),
        access(found),
        parameters(found),
        sizes(found),
        cache(found),
        steps(found, deeds.measure),
        formats(found, deeds.formats));
}

function section(key, ...content) {
    return h('section', {class: 'card explain-part', id: key.replace('_', '-')}, h('h2', {}, t(key)), ...content);
}

function answer({src, width, height, format}, query) {
    const address = `${page.root}image?${query}`;
    const path = `/${src.replace(/^\//, '')}`;
    const plain = imageUrl(path, {width, height, autosizefit: 1});
    return section('explain_picture',
        h('img', {class: 'explain-picture', src: `${address}&stats=0`, alt: path}),
        h('p', {class: 'muted'}, t('explain_size', {width, height, format: format.toUpperCase()})),
        h('p', {class: 'row'},
            h('a', {class: 'button', href: address}, t('explain_open')),
            h('a', {class: 'button', href: url('compare/', {a: plain, b: address})}, t('explain_compare'))));
}

function access({src, access: own}) {
    const right = own.public_right ?? own;
    const values = {group: right.group, folder: right.folder, level: t(`explain_level_${right.level}`)};
    let text = t('explain_access_bypass', {flags: own.bypass.join(', ')});
    if (own.public) text = t('explain_access_public', values);
    else if (right.group) text = t('explain_access_you', values);
    const folder = parentOf(`/${src.replace(/^\//, '')}`);
    const trace = page.may('admin_permissions');
    return section('explain_access', h('p', {}, text),
        trace ? h('p', {}, h('a', {href: url('admin/trace_permissions/', {path: folder})}, t('explain_trace'))) : '');
}

function parameters({template, parameters: list}) {
    let told = t('explain_template_none');
    if (template.asked) told = t('explain_template_asked', {name: template.asked});
    else if (template.name) told = t('explain_template_default', {name: template.name});
    return section('explain_parameters',
        h('p', {}, `${t('explain_template')}: ${told}`),
        list.length ? table(['explain_parameter', 'explain_value', 'explain_from'],
            list.map(one => [
                h('code', {}, one.name), one.value,
                [t(`explain_from_${one.origin}`), one.effective ? '' : h('span', {class: 'muted'}, ` · ${t('explain_no_effect')}`)],
            ]))
            : h('p', {class: 'muted'}, t('explain_parameters_none')));
}

function sizes({geometry, focal}) {
    const rows = SIZES.filter(name => geometry?.[name]).map(name => [t(`explain_geometry_${name}`), sizeText(geometry[name])]);
    const point = focal && {x: Math.round(focal.x * 100), y: Math.round(focal.y * 100)};
    return section('explain_geometry',
        h('dl', {class: 'explain-list'}, ...rows.flatMap(([name, text]) => [h('dt', {}, name), h('dd', {}, text)])),
        focal ? h('p', {}, `${t('explain_focal')}: ${t(`explain_focal_${focal.source}`, point)}`) : '');
}

function sizeText(size) {
    return `${number(size.width)} × ${number(size.height)}`;
}

function cache({cache: floor, key, made_ms: made}) {
    const tiers = floor.tiers.map(one => t(one.has ? 'explain_has' : 'explain_has_not', {name: one.name}));
    return section('explain_cache',
        h('p', {}, t(`explain_tier_${floor.tier}`), floor.already || floor.ready ? '' : ` ${t('explain_not_ready')}`),
        tiers.length ? h('p', {class: 'muted'}, t('explain_tiers', {tiers: tiers.join(', ')})) : '',
        made ? h('p', {class: 'muted'}, t('explain_made', {ms: number(Math.round(made))})) : '',
        h('p', {class: 'row'}, `${t('explain_key')}: `, h('code', {class: 'explain-key'}, key), copyButton(() => key, {label: t('explain_key')})));
}

function steps({steps: list, total_ms: total}, measure) {
    if (!list?.length) {
        return section('explain_steps', h('button', {type: 'button', class: 'button', id: 'measure', on: {click: waiting(measure)}}, t('explain_measure')));
    }
    const longest = Math.max(...list.map(one => one.ms), NOTHING_MS);
    const told = list.filter(one => one.ms >= NOTHING_MS); // most steps have nothing to do
    return section('explain_steps',
        h('table', {class: 'explain-bars'}, h('tbody', {},
            ...told.map(one => h('tr', {},
                h('th', {scope: 'row'}, one.name.replaceAll('_', ' ')),
                h('td', {}, bar(one.ms / longest)),
                h('td', {class: 'explain-number'}, milliseconds(one.ms)))),
            h('tr', {}, h('th', {scope: 'row'}, t('explain_total')), h('td', {}), h('td', {class: 'explain-number'}, milliseconds(total))))));
}

const milliseconds = ms => t('explain_ms', {n: number(Math.round(ms * 10) / 10)});

// Its length by SVG: the policy of the pages bars styles in markup.
function bar(part) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', '0 0 100 8');
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('class', 'explain-bar');
    svg.setAttribute('aria-hidden', 'true');
    const line = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    line.setAttribute('width', String(Math.max(part * 100, 0.5)));
    line.setAttribute('height', '8');
    svg.append(line);
    return svg;
}

function formats({formats: list, bytes: own, format}, measure) {
    if (!list?.length) {
        return section('explain_formats',
            own ? h('p', {}, `${format.toUpperCase()}: ${bytes(own)}`) : '',
            h('button', {type: 'button', class: 'button', id: 'formats', on: {click: waiting(measure)}}, t('explain_formats_measure')));
    }
    const largest = Math.max(...list.map(one => one.bytes), 1);
    return section('explain_formats',
        h('table', {class: 'explain-bars'}, h('tbody', {}, ...list.map(one => h('tr', {},
            h('th', {scope: 'row'}, one.format.toUpperCase()),
            ...(one.error ? [h('td', {colspan: 3, class: 'muted'}, one.error)] : [
                h('td', {}, bar(one.bytes / largest)),
                h('td', {class: 'explain-number'}, bytes(one.bytes)),
                h('td', {class: 'explain-number'}, one.ms ? milliseconds(one.ms) : t('explain_format_cached')),
            ]))))));
}

function waiting(run) {
    return event => {
        event.target.disabled = true;
        event.target.textContent = t('explain_measuring');
        run();
    };
}

function table(heads, rows) {
    return h('table', {class: 'table'},
        h('thead', {}, h('tr', {}, ...heads.map(key => h('th', {scope: 'col'}, t(key))))),
        h('tbody', {}, ...rows.map(cells => h('tr', {}, ...cells.map((cell, index) => h('td', {'data-label': t(heads[index])}, cell))))));
}
