// Every parameter of an image that people can set, in one table. The form, the address, the templates and the guide are
// all made from it.
//
// A row says
//   name      of the URL's parameter; `field` is its name in a template
//   kind      how it is entered: number, fraction, level, angle, flag, choice, position, compass, focus, fill, format,
//             profile, file
//   group     where it stands in the form
//   nothing   values that mean the same as none at all
//   cancel    what is sent to take away the template's value; without it that can't be taken away
//   low, high, step, choices, decimals    what may be entered
//   on        a flag that is on unless something says otherwise
//   needs     the one without which it has no effect
//   only      'template': not a parameter of the URL

const FLAG = {kind: 'flag', nothing: ['0', 'false'], cancel: '0'};
const LENGTH = {kind: 'number', low: 0, high: 15000, nothing: ['0'], cancel: '0', length: true};
const EDGE = {kind: 'fraction', low: 0, high: 1, step: 0.01, decimals: 5, nothing: ['0', '1']};
const PART = {kind: 'fraction', low: 0, high: 1, step: 0.1, decimals: 5, nothing: ['1'], cancel: '1'};

export const GROUPS = ['size', 'crop', 'turn', 'padding', 'colour', 'overlay', 'file', 'delivery'];

export const CONTROLS = [
    {
        name: 'page',
        field: 'page',
        group: 'file',
        kind: 'number',
        low: 1,
        high: 999999,
        nothing: ['0', '1'],
        cancel: '1',
    },
    {name: 'width', field: 'width', group: 'size', ...LENGTH},
    {name: 'height', field: 'height', group: 'size', ...LENGTH},
    {name: 'autosizefit', field: 'size_fit', group: 'size', ...FLAG},
    {
        name: 'dpi',
        field: 'dpi_x',
        twin: 'dpi_y',
        group: 'size',
        kind: 'number',
        low: 0,
        high: 32000,
        nothing: ['0'],
        cancel: '0',
    },
    {name: 'left', field: 'left', group: 'crop', ...EDGE, cancel: '0'},
    {name: 'top', field: 'top', group: 'crop', ...EDGE, cancel: '0'},
    {name: 'right', field: 'right', group: 'crop', ...EDGE, cancel: '1'},
    {name: 'bottom', field: 'bottom', group: 'crop', ...EDGE, cancel: '1'},
    {name: 'autocropfit', field: 'crop_fit', group: 'crop', ...FLAG},
    {name: 'focus', field: 'focus', group: 'crop', kind: 'focus', nothing: ['none'], cancel: 'none'},
    {
        name: 'flip',
        field: 'flip',
        group: 'turn',
        kind: 'choice',
        choices: ['h', 'v'],
        nothing: ['none'],
        cancel: 'none',
    },
    {
        name: 'angle',
        field: 'rotation',
        group: 'turn',
        kind: 'angle',
        low: -360,
        high: 360,
        step: 1,
        decimals: 5,
        quick: ['-90', '90', '180'],
        nothing: ['0', '360', '-360'],
        cancel: '0',
    },
    {
        name: 'sharpen',
        field: 'sharpen',
        group: 'turn',
        kind: 'level',
        low: -500,
        high: 500,
        step: 10,
        quick: ['-500', '-300', '-200', '-100', '-50', '50', '100', '200', '300', '500'],
        nothing: ['0'],
        cancel: '0',
    },
    {
        name: 'fill',
        field: 'fill',
        group: 'padding',
        kind: 'fill',
        nothing: ['white', '#fff', '#ffffff', 'ffffff', 'rgb(255,255,255)'],
        cancel: 'white',
    },
    {
        name: 'halign',
        field: 'align_h',
        group: 'padding',
        kind: 'position',
        choices: ['L0', 'L0.25', 'L0.5', 'C0.25', 'C0.75', 'R0.5', 'R0.75', 'R1'],
        nothing: ['c0.5'],
        cancel: 'C0.5',
    },
    {
        name: 'valign',
        field: 'align_v',
        group: 'padding',
        kind: 'position',
        choices: ['T0', 'T0.25', 'T0.5', 'C0.25', 'C0.75', 'B0.5', 'B0.75', 'B1'],
        nothing: ['c0.5'],
        cancel: 'C0.5',
    },
    {
        name: 'colorspace',
        field: 'colorspace',
        group: 'colour',
        kind: 'choice',
        choices: ['rgb', 'cmyk', 'gray'],
        same: {srgb: 'rgb', grey: 'gray'},
        nothing: ['none'],
        cancel: 'none',
    },
    {name: 'icc', field: 'icc_profile', group: 'colour', kind: 'profile', nothing: ['none'], cancel: 'none'},
    {
        name: 'intent',
        field: 'icc_intent',
        group: 'colour',
        kind: 'choice',
        choices: ['perceptual', 'relative', 'saturation', 'absolute'],
        nothing: ['perceptual'],
        cancel: 'perceptual',
        needs: 'icc',
    },
    {name: 'bpc', field: 'icc_bpc', group: 'colour', ...FLAG, needs: 'icc'},
    {name: 'overlay', field: 'overlay_src', group: 'overlay', kind: 'file', nothing: [], cancel: '', exact: true},
    {name: 'ovsize', field: 'overlay_size', group: 'overlay', ...PART, needs: 'overlay'},
    {
        name: 'ovpos',
        field: 'overlay_pos',
        group: 'overlay',
        kind: 'compass',
        choices: ['nw', 'n', 'ne', 'w', 'c', 'e', 'sw', 's', 'se'],
        nothing: ['c'],
        cancel: 'c',
        needs: 'overlay',
    },
    {name: 'ovopacity', field: 'overlay_opacity', group: 'overlay', ...PART, needs: 'overlay'},
    {name: 'format', field: 'format', group: 'file', kind: 'format', nothing: [], cancel: ''},
    {name: 'quality', field: 'quality', group: 'file', kind: 'level', low: 1, high: 100, step: 1, nothing: []},
    {name: 'strip', field: 'strip', group: 'file', ...FLAG},
    {name: 'attach', field: 'attachment', group: 'delivery', ...FLAG},
    {
        name: 'stats',
        field: 'record_stats',
        group: 'delivery',
        kind: 'flag',
        on: true,
        nothing: ['1', 'true'],
        cancel: '1',
    },
    {
        name: 'expiry',
        field: 'expiry_secs',
        group: 'delivery',
        kind: 'number',
        low: -1,
        high: 31536000,
        nothing: [],
        only: 'template',
    },
];

const BY_NAME = new Map(CONTROLS.map(control => [control.name, control]));

export function control(name) {
    return BY_NAME.get(name);
}
