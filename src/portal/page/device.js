// The device under the page: a set-top box with its own player, or a browser.
var device = (function () {
    'use strict';

    var box = window.gSTB || null;
    var video = document.getElementById('picture');

    function call(name, parameter) {
        try {
            return box && box[name] ? box[name](parameter) : '';
        } catch (error) {
            return '';
        }
    }

    function decoded(text) {
        try {
            return decodeURIComponent(text);
        } catch (error) {
            return '';
        }
    }

    function cookie(name) {
        var found = new RegExp('(?:^|; *)' + name + '=([^;]*)').exec(document.cookie);
        return found ? decoded(found[1]) : '';
    }

    function inAddress(name) {
        var found = new RegExp('[?&]' + name + '=([^&]*)').exec(location.search);
        return found ? decoded(found[1]) : '';
    }

    function word(name) {
        return String(call('RDir', name) || '').replace(/\s+$/, '');
    }

    function play(url, failed) {
        if (box) {
            window.stbEvent = { onEvent: function (code) { if (Number(code) === 1 || Number(code) === 5) { failed(Number(code) === 5); } } };
            call('InitPlayer');
            call('SetTopWin', 0);
            call('Play', 'ffmpeg ' + url);
            return;
        }
        video.onerror = function () { failed(true); };
        video.onended = function () { failed(false); };
        video.src = url;
        var started = video.play();
        if (started && started['catch']) {
            started['catch'](function () {});
        }
    }

    function stop() {
        if (box) {
            call('Stop');
            return;
        }
        video.onerror = null;
        video.onended = null;
        video.removeAttribute('src');
        video.load();
    }

    return {
        // Its MAC; in a browser the one of the address or of the last visit.
        mac: function () {
            return word('MACAddress') || call('GetDeviceMacAddress') || inAddress('mac') || cookie('mac');
        },
        // What it tells about itself, as parameters of the profile.
        about: function () {
            return {
                stb_type: word('Model') || 'browser',
                sn: word('SerialNumber') || call('GetDeviceSerialNumber'),
                image_version: word('ImageVersion'),
                hw_version: word('HardwareVersion'),
                device_id: call('GetUID')
            };
        },
        // The form that it plays: a box any, a browser HLS.
        form: box ? '' : 'hls',
        play: play,
        stop: stop,
        reboot: function () {
            if (box) {
                call('ExecAction', 'reboot');
            } else {
                location.reload();
            }
        }
    };
}());
