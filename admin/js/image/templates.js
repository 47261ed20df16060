// The image under each template, side by side.

import {api, imageUrl} from '../core/api.js';
import {h, url} from '../core/dom.js';
import {t} from '../core/texts.js';

const UNSIZED = {width: 640, height: 640, autosizefit: 1};

// Nothing is asked for before `section` is shown.
export function previewTemplates(section, host, image) {
    const load = async () => {
        section.removeEventListener('tab:shown', load);
        const templates = await api.get('admin/templates/');
        if (!templates.length) host.replaceChildren(h('p', {class: 'empty'}, t('image_templates_none')));
        else host.replaceChildren(...templates.map(template => preview(template, image)));
    };
    section.addEventListener('tab:shown', load);
    if (!section.hidden) load();
}

function preview(template, image) {
    const given = template.template;
    const sized = given.width?.value || given.height?.value;
    const address = imageUrl(image.src, {tmp: template.name, ...(sized ? {} : UNSIZED), stats: 0});
    const name = template.name;
    const picture = h('img', {
        src: address, alt: name, loading: 'lazy', decoding: 'async',
        on: {error: () => picture.replaceWith(h('p', {class: 'empty'}, t('image_templates_failed')))},
    });
    return h('figure', {class: 'card template-preview'},
        h('a', {class: 'template-picture', href: imageUrl(image.src, {tmp: name})}, picture),
        h('figcaption', {},
            h('strong', {}, name),
            template.description ? h('span', {class: 'muted'}, template.description) : '',
            h('a', {
                class: 'button quiet', 'aria-label': t('image_templates_publish', {name}),
                href: url('publish/', {src: image.src, tmp: name}),
            }, t('image_publish'))));
}
