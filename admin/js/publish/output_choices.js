// What can be chosen for the code, and what it is at the start.

export const START = {
    output: 'img_tag',
    alt: '',
    widths: '',
    sizes: '100vw',
    loading: 'lazy',
    decoding: 'async',
    priority: '',
    formats: 'avif,webp,jpg',
};
