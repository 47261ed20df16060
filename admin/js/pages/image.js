// The page of one image: what is on it already becomes quicker to use.

import {$, $$, h, page} from '../core/dom.js';
import {bytes, number} from '../core/format.js';
import {keys} from '../core/keys.js';
import {t} from '../core/texts.js';
import {enhanceActions, tellDone} from '../image/actions.js';
import {editInPlace} from '../image/attributes.js';
import {enhanceFocal} from '../image/focal.js';
import {copyRow, pictureMarkup} from '../image/links.js';
import {enhanceMetadata} from '../image/metadata.js';
import {makeTabs} from '../image/tabs.js';
import {previewTemplates} from '../image/templates.js';
import {showViewer} from '../image/viewer.js';

const image = page.data;

if (image?.may) start(); // not on the pages that ask before a deed

function start() {
    localNumbers();
    enhanceActions(image);
    tellDone();
    for (const name of ['title', 'description']) editInPlace(image, name);
    linksCard();
    enhanceMetadata(image);
    makeTabs($('#parts'));
    if ($('#viewer')) {
        showViewer($('#viewer'), image);
        enhanceFocal($('#fact-focal'), image);
        previewTemplates($('#templates'), $('#template-previews'), image);
    }
    neighbours();
}

function localNumbers() {
    for (const element of $$('[data-bytes]')) element.textContent = bytes(Number(element.dataset.bytes));
    for (const element of $$('[data-number]')) element.textContent = number(Number(element.dataset.number));
}

function linksCard() {
    const card = $('#links');
    if (!card) return;
    for (const place of $$('[data-address]', card)) copyRow(place, () => place.dataset.address, place.dataset.name);
    if (!image.width) return;
    const place = h('span', {});
    $('ul', card).append(h('li', {}, h('span', {}, t('image_link_picture')), h('code', {}, '<picture>…'), place));
    copyRow(place, () => pictureMarkup(image), t('image_link_picture'));
}

function neighbours() {
    const go = id => () => $(`#${id}`)?.click();
    keys({
        ArrowLeft: {run: go('previous'), text: t('image_previous')},
        ArrowRight: {run: go('next'), text: t('image_next')},
    });
    // Their pictures are there when somebody goes on; not before this page has all it needs.
    const prefetch = () => {
        for (const address of image.neighbours) new Image().src = `${page.root}${address}`;
    };
    if (document.readyState === 'complete') prefetch();
    else addEventListener('load', prefetch, {once: true});
}
