// What one can do first: a card for those who have come for the first time, which goes and stays away when told to.

import {h, icon, url} from '../core/dom.js';
import {store} from '../core/state.js';
import {t} from '../core/texts.js';

const NAME = 'tour_over';

export function showTour(place, {path, mayUpload}) {
    if (store.get(NAME)) {
        return;
    }
    const step = (sign, key, ...more) => h('li', {}, icon(sign), h('div', {}, h('h3', {}, t(`browse_tour_${key}`)), h('p', {}, t(`browse_tour_${key}_text`)), ...more));
    const over = () => {
        store.set(NAME, true);
        place.replaceChildren();
    };
    place.replaceChildren(h('section', {class: 'card tour', 'aria-label': t('browse_tour')},
        h('header', {class: 'split'}, h('h2', {}, t('browse_tour')),
            h('button', {type: 'button', class: 'button quiet icon-only', 'aria-label': t('dismiss'), on: {click: over}}, icon('close'))),
        h('ol', {},
            step('upload', 'upload', mayUpload && h('a', {href: url('upload/', {path})}, t('browse_tour_upload_link'))),
            step('view', 'look'),
            step('publish', 'publish', h('a', {href: url('list/', {path: '/samples'})}, t('browse_tour_publish_link'))))));
}
