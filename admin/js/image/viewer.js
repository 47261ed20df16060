// The picture: plain at first, then in the zoom viewer.

import {imageUrl} from '../core/api.js';
import {h, page} from '../core/dom.js';

// Puts the zoom viewer over the plain picture once it has drawn its own. Where it can't be loaded the plain one stays.
export async function showViewer(stage, image) {
    try {
        await viewerScript();
    } catch {
        return;
    }
    const plain = stage.firstElementChild;
    const host = h('div', {class: 'image-zoom'});
    stage.append(host);
    const shown = () => {
        stage.classList.add('zoomable');
        plain.setAttribute('aria-hidden', 'true');
    };
    window.canvas_view_init(host, imageUrl(image.src, {}), {title: image.title || image.filename}, {onload: shown});
}

let loading = null;

function viewerScript() {
    if (window.canvas_view_init) return Promise.resolve();
    loading ??= Promise.all([
        loaded(h('link', {rel: 'stylesheet', href: `${page.root}static/styles/canvas_view.css`})),
        loaded(h('script', {src: `${page.root}static/js/canvas_view.min.js`})),
    ]);
    return loading;
}

function loaded(element) {
    return new Promise((done, failed) => {
        element.addEventListener('load', done);
        element.addEventListener('error', failed);
        document.head.append(element);
    });
}
