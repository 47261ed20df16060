// The playground: the publisher in a reduced form, on images that everybody may see.

import {$, h, page} from '../core/dom.js';
import {loadTexts, t} from '../core/texts.js';
import {thumb} from '../core/thumb.js';

const NAMES = [
    'width',
    'height',
    'autosizefit',
    'left',
    'top',
    'right',
    'bottom',
    'autocropfit',
    'flip',
    'angle',
    'sharpen',
    'fill',
    'halign',
    'valign',
    'colorspace',
    'icc',
    'format',
    'quality',
    'strip',
];
const OF_OVERLAYS = ['overlay', 'ovsize', 'ovpos', 'ovopacity'];
const START = {width: '500', height: '500', format: 'jpg', quality: '80', colorspace: 'srgb'};

const {images, overlay, standard, server} = page.data;

if (images.length) {
    await loadTexts('publish');
    const {loadFacts} = await import('../publish/facts.js');
    const {Publisher} = await import('../publish/publisher.js');
    const {fromTemplate} = await import('../publish/values.js');
    const publisher = new Publisher({
        src: images[0],
        server,
        facts: await loadFacts(),
        bases: new Map([['', fromTemplate(standard)]]),
        names: new Set([...NAMES, ...(overlay ? OF_OVERLAYS : [])]),
        pick: overlay ? async () => overlay : null,
        tools: [
            h(
                'button',
                {type: 'button', class: 'button', on: {click: () => publisher.session.replace(START)}},
                t('demo_reset'),
            ),
        ],
    });
    publisher.start(location.search.length > 1 ? location.search : new URLSearchParams(START));
    const asked = new URLSearchParams(location.search).get('src');
    if (images.includes(asked)) {
        publisher.load(asked);
    }
    $('#publisher').replaceChildren(...(images.length > 1 ? [choice(publisher)] : []), publisher.element);
}

// The images to choose from, as thumbnails.
function choice(publisher) {
    const buttons = images.map(src =>
        h(
            'button',
            {
                type: 'button',
                class: 'demo-choice',
                'aria-pressed': String(src === publisher.src),
                'aria-label': src,
                on: {
                    click: () => {
                        publisher.load(src);
                        for (const button of buttons) {
                            button.setAttribute('aria-pressed', String(button.getAttribute('aria-label') === src));
                        }
                    },
                },
            },
            thumb(src, 96),
        ),
    );
    return h('div', {class: 'demo-choices', role: 'group', 'aria-label': t('demo_choose')}, ...buttons);
}
