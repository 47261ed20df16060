// The same settings for several images: the list, and their addresses as a table.

import {h} from '../core/dom.js';
import {copyButton} from '../core/copy.js';
import {saveCsv} from '../core/csv.js';
import {pickFile} from '../core/picker.js';
import {t} from '../core/texts.js';
import {imageAddress} from './address.js';

export class Many {
    // `change`: told the paths
    // `choose`: shows another one of them
    constructor({change, choose}) {
        this.choose = choose;
        this.list = h('ol', {class: 'pub-many'});
        this.box = h('textarea', {
            id: 'pub-more',
            rows: '5',
            spellcheck: 'false',
            on: {change: () => change(pathsOf(this.box.value))},
        });
        this.count = h('span', {class: 'badge'});
        this.pick = h(
            'button',
            {
                type: 'button',
                class: 'button',
                on: {
                    click: async () => {
                        const chosen = await pickFile({path: '/', multiple: true});
                        if (chosen?.length) change([...new Set([...pathsOf(this.box.value), ...[chosen].flat()])]);
                    },
                },
            },
            t('many_pick'),
        );
        this.save = h('button', {type: 'button', class: 'button', on: {click: () => this.#save()}}, t('many_save'));
        this.element = h(
            'details',
            {class: 'card pub-several'},
            h('summary', {}, t('many'), ' ', this.count),
            h(
                'div',
                {class: 'stack'},
                h(
                    'div',
                    {class: 'field'},
                    h('label', {for: 'pub-more'}, t('many_paths')),
                    this.box,
                    h('p', {class: 'hint'}, t('many_hint')),
                ),
                this.list,
                h(
                    'div',
                    {class: 'row'},
                    this.pick,
                    copyButton(
                        () =>
                            this.#addresses()
                                .map(row => row.url)
                                .join('\n'),
                        {label: t('many_copy')},
                    ),
                    this.save,
                ),
            ),
        );
    }

    show(list, current, about) {
        this.about = about;
        this.paths = list;
        this.count.textContent = list.length > 1 ? String(list.length) : '';
        if (list.length > 1) this.element.open = true;
        if (document.activeElement !== this.box) this.box.value = list.join('\n');
        this.list.replaceChildren(
            ...(list.length > 1
                ? list
                      .slice(0, SHOWN)
                      .map(src =>
                          h(
                              'li',
                              {},
                              h(
                                  'button',
                                  {
                                      type: 'button',
                                      class: 'button quiet',
                                      'aria-current': src === current ? 'true' : null,
                                      on: {click: () => this.choose(src)},
                                  },
                                  src,
                              ),
                          ),
                      )
                : []),
        );
        if (list.length > SHOWN) this.list.append(h('li', {class: 'muted'}, t('many_more', {n: list.length - SHOWN})));
    }

    #save() {
        saveCsv('images.csv', [['src', 'url'], ...this.#addresses().map(row => [row.src, row.url])]);
    }

    #addresses() {
        return this.paths.map(src => ({src, url: imageAddress(this.about.server, src, this.about.parameters)}));
    }
}

const SHOWN = 200;

// The paths in a text, one per line; addresses of images are paths, too.
export function pathsOf(text) {
    const found = [];
    for (const line of String(text).split(/\r?\n/)) {
        const trimmed = line.trim();
        if (!trimmed) continue;
        const asked = /[?&]src=([^&]*)/.exec(trimmed);
        found.push(asked ? decodeURIComponent(asked[1].replace(/\+/g, ' ')) : trimmed);
    }
    return [...new Set(found)];
}
