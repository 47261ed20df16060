// What the image will be: pixels, bytes, time, who gets it. And the same image in the formats that browsers know.

import {api, ApiError} from '../core/api.js';
import {h, icon, page} from '../core/dom.js';
import {bytes as bytesText, number} from '../core/format.js';
import {t} from '../core/texts.js';
import {OneAtATime} from './once.js';

const COMPARED = ['avif', 'webp', 'jpg', 'png'];

export class Measure {
    #controller = null;

    // `told`: told what the server says of the image, with or without its bytes
    // `choose`: takes another format
    constructor({facts, told, failed, choose}) {
        this.facts = facts;
        this.told = told;
        this.failed = failed;
        this.choose = choose;
        this.line = h('p', {class: 'pub-facts', role: 'status'});
        this.rows = h('tbody');
        this.table = h(
            'details',
            {class: 'pub-formats', on: {toggle: () => this.table.open && this.#compare()}},
            h('summary', {}, t('formats_title')),
            h(
                'table',
                {class: 'table'},
                h('caption', {class: 'visually-hidden'}, t('formats_title')),
                h(
                    'thead',
                    {},
                    h(
                        'tr',
                        {},
                        ...['format', 'bytes', 'saved', 'time', 'deed'].map(name =>
                            h('th', {scope: 'col'}, t(`formats_${name}`)),
                        ),
                    ),
                ),
                this.rows,
            ),
        );
        this.element = h('div', {class: 'pub-measure'}, this.line, this.table);
        this.checks = new OneAtATime(wish => this.#check(wish));
    }

    // Ask what becomes of an image; with `measure` it is made, if need be.
    ask(src, parameters, {measure = false} = {}) {
        this.wish = {src, parameters};
        this.checks.ask({src, parameters, measure});
        if (!measure) this.#forget();
        else if (this.table.open) this.#compare();
    }

    async #check({src, parameters, measure}) {
        try {
            const check = await api.get('imaging/check/', {...parameters, src, ...(measure ? {measure: 1} : {})});
            this.line.replaceChildren(...this.#told(check));
            this.told(check);
        } catch (error) {
            if (!(error instanceof ApiError)) throw error;
            this.line.replaceChildren(h('span', {class: 'pub-bad'}, icon('warning'), error.message));
            this.failed(error);
        }
    }

    #told(check) {
        const title = this.facts.formats.find(format => format.name === check.format)?.title ?? check.format;
        const parts = [
            h('strong', {}, t('n_by_m', {width: number(check.width), height: number(check.height)})),
            h('span', {}, title),
        ];
        if (check.bytes !== undefined) {
            parts.push(h('strong', {class: 'pub-bytes'}, bytesText(check.bytes)));
            parts.push(
                h(
                    'span',
                    {class: 'muted'},
                    check.from_cache ? t('from_cache') : t('made_in', {ms: number(Math.round(check.seconds * 1000))}),
                ),
            );
        }
        const badge = check.public
            ? h('span', {class: 'badge'}, t('public_yes'))
            : h('span', {class: 'badge pub-warn', title: check.public_reason}, t('public_no'));
        return [...parts, badge];
    }

    #forget() {
        this.#controller?.abort();
        this.rows.replaceChildren(h('tr', {}, h('td', {colspan: '5', class: 'muted'}, t('formats_wait'))));
    }

    // The bytes in each format, one after the other.
    async #compare() {
        this.#controller?.abort();
        const controller = new AbortController();
        this.#controller = controller;
        const {src, parameters} = this.wish;
        const found = [];
        const chosen = parameters.format;
        for (const format of [...new Set([...COMPARED, ...(chosen ? [chosen] : [])])].filter(name =>
            this.#written(name),
        )) {
            try {
                const check = await api.get(
                    'imaging/check/',
                    {...parameters, src, format, measure: 1},
                    {signal: controller.signal},
                );
                found.push({format, ...check});
            } catch (error) {
                if (controller.signal.aborted) return;
                found.push({format, error: error.message});
            }
            if (controller.signal.aborted) return;
            this.#show(found, chosen);
        }
    }

    #written(name) {
        return this.facts.formats.some(format => format.write && format.name === name);
    }

    #show(found, chosen) {
        const jpeg = found.find(one => one.format === 'jpg')?.bytes;
        this.rows.replaceChildren(
            ...found.map(one =>
                h(
                    'tr',
                    {},
                    h('th', {scope: 'row'}, this.facts.formats.find(format => format.name === one.format).title),
                    h('td', {dataset: {label: t('formats_bytes')}}, one.error ?? bytesText(one.bytes)),
                    h(
                        'td',
                        {dataset: {label: t('formats_saved')}},
                        jpeg && one.bytes ? percent(one.bytes / jpeg - 1) : '–',
                    ),
                    h(
                        'td',
                        {dataset: {label: t('formats_time')}},
                        one.error
                            ? '–'
                            : one.from_cache
                              ? t('from_cache')
                              : t('n_ms', {n: number(Math.round(one.seconds * 1000))}),
                    ),
                    h(
                        'td',
                        {},
                        one.format === chosen
                            ? h('span', {class: 'badge'}, t('formats_chosen'))
                            : h(
                                  'button',
                                  {
                                      type: 'button',
                                      class: 'button',
                                      disabled: Boolean(one.error),
                                      'aria-label': t('formats_use', {format: one.format}),
                                      on: {click: () => this.choose(one.format)},
                                  },
                                  t('formats_take'),
                              ),
                    ),
                ),
            ),
        );
    }
}

function percent(share) {
    return new Intl.NumberFormat(page.lang, {
        style: 'percent',
        maximumFractionDigits: 0,
        signDisplay: 'exceptZero',
    }).format(share);
}
