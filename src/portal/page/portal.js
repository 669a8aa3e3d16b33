// A small portal: channels by genre, number keys, arrows, OK, back. For old WebKit: ES5, no library.
(function () {
    'use strict';

    var BACK = 8, OK = 13, ESCAPE = 27, PAGE_UP = 33, PAGE_DOWN = 34, LEFT = 37, UP = 38, RIGHT = 39, DOWN = 40;
    var ROWS = 14;
    // Lines of text to the height of the screen, and how often a picture that breaks is asked for again.
    var LINES = 36, TRIES = 6;

    var mac = '', token = '', profile = {};
    var genres = [], channels = [], shown = [];
    var genre = 0, channel = 0, playing = null, inGenres = false;
    var typed = '', typing = 0, hiding = 0, watching = 0, showing = 0, broken = 0;
    var opened = {};
    var answered = null;

    function element(id) {
        return document.getElementById(id);
    }

    // Asks the portal; answers with the result, or with one of its texts.
    function ask(kind, action, more, done) {
        var query = 'type=' + kind + '&action=' + action;
        for (var name in more) {
            if (more.hasOwnProperty(name)) {
                query += '&' + name + '=' + encodeURIComponent(more[name]);
            }
        }
        var request = new XMLHttpRequest();
        request.open('GET', '../server/load.php?' + query + '&JsHttpRequest=1-xml', true);
        request.setRequestHeader('Authorization', 'Bearer ' + token);
        request.onreadystatechange = function () {
            if (request.readyState !== 4) {
                return;
            }
            var answer = null;
            try {
                answer = JSON.parse(request.responseText).js;
            } catch (error) {
                refused(request.status, request.responseText);
                return;
            }
            done(answer);
        };
        request.send(null);
    }

    function refused(status, text) {
        if (text === 'Authorization failed.') {
            say('Another device was signed in with this address. OK signs in here again.', start);
        } else if (text === 'Access denied.') {
            block(status === 429 ? 'Too many devices were refused from your network. Try again later.' : '');
        } else if (text === 'Unauthorized request.') {
            askForAddress();
        } else {
            banner('The server does not answer. Trying again.');
            setTimeout(start, 10000);
        }
    }

    // What the provider says, for somebody who looks at the screen.
    function block(text) {
        stop();
        element('lists').className = 'hidden';
        banner('');
        say((text || 'This device cannot watch: it is unknown, or its subscription has ended.') +
            '\nAsk your provider, and name this address:\n' + mac, start);
    }

    function start() {
        clearTimeout(watching);
        mac = device.mac();
        if (!mac) {
            askForAddress();
            return;
        }
        document.cookie = 'mac=' + encodeURIComponent(mac) + '; path=/';
        banner('One moment');
        ask('stb', 'handshake', { token: token }, function (answer) {
            token = answer.token;
            enter(0);
        });
    }

    function enter(second) {
        var about = device.about();
        about.auth_second_step = second;
        ask('stb', 'get_profile', about, function (answer) {
            if (answer.status === 2) {
                signIn();
            } else if (answer.status !== 0) {
                block(answer.msg ? 'This address belongs to another device.' : '');
            } else {
                profile = answer;
                load();
                watch(1);
            }
        });
    }

    function askForAddress() {
        form('The MAC address of this device:', [{ name: 'mac', kind: 'text' }], function (values) {
            document.cookie = 'mac=' + encodeURIComponent(values.mac) + '; path=/';
            start();
        });
    }

    function signIn() {
        form('Sign in', [{ name: 'login', kind: 'text' }, { name: 'password', kind: 'password' }], function (values) {
            var about = device.about();
            about.login = values.login;
            about.password = values.password;
            ask('stb', 'do_auth', about, function (right) {
                if (right) {
                    enter(1);
                } else {
                    say('Wrong login or password.', signIn);
                }
            });
        });
    }

    function load() {
        ask('itv', 'get_genres', {}, function (answer) {
            genres = answer;
            genre = 0;
            open();
        });
    }

    // Shows the channels of the genre; a censored one asks for the PIN once.
    function open() {
        var wanted = genres[genre];
        if (!wanted) {
            return;
        }
        if (Number(wanted.censored) && !opened[wanted.id]) {
            shown = [];
            draw();
            form('Parental PIN', [{ name: 'pin', kind: 'password' }], function (values) {
                if (values.pin === profile.parent_password) {
                    opened[wanted.id] = true;
                    open();
                } else {
                    say('Wrong PIN.', function () { genre = 0; open(); });
                }
            });
            return;
        }
        ask('itv', 'get_all_channels', { genre: wanted.id }, function (answer) {
            shown = answer.data;
            if (wanted.id === '*') {
                channels = shown;
            }
            channel = Math.max(0, place(playing));
            banner(shown.length ? '' : 'There are no channels here.');
            element('lists').className = '';
            draw();
        });
    }

    function place(wanted) {
        for (var i = 0; wanted && i < shown.length; i += 1) {
            if (shown[i].id === wanted.id) {
                return i;
            }
        }
        return -1;
    }

    function play(wanted) {
        broken = 0;
        tune(wanted);
    }

    function tune(wanted) {
        ask('itv', 'create_link', { cmd: wanted.cmd, output: device.form }, function (link) {
            if (link.error) {
                banner(link.error === 'limit' ? 'Too many devices are watching at the same time.' : wanted.name + ' is off the air.');
                return;
            }
            playing = wanted;
            document.body.className = 'playing';
            element('lists').className = 'hidden';
            banner(wanted.number + '  ' + wanted.name, 4000);
            device.play(link.cmd.replace(/^\S+ /, ''), function (failed) {
                again(wanted, failed);
            });
            ask('itv', 'set_last_id', { id: wanted.id }, function () {});
        });
    }

    // A picture that has ended begins anew; one that breaks does a few times: browsers stumble over a
    // channel that has just begun to run.
    function again(wanted, failed) {
        broken = failed ? broken + 1 : 0;
        if (playing !== wanted) {
            return;
        }
        if (broken > TRIES) {
            banner(wanted.name + ' cannot be played here.');
        } else {
            banner('One moment: ' + wanted.name);
            setTimeout(function () { if (playing === wanted) { tune(wanted); } }, failed ? 3000 : 1000);
        }
    }

    function stop() {
        playing = null;
        document.body.className = '';
        device.stop();
    }

    function showLists() {
        element('lists').className = '';
        channel = Math.max(0, place(playing));
        draw();
    }

    function step(by) {
        var at = place(playing);
        if (shown.length) {
            play(shown[(at + by + shown.length) % shown.length]);
        }
    }

    // Goes to a channel by its number.
    function go(number) {
        for (var i = 0; i < channels.length; i += 1) {
            if (Number(channels[i].number) === number) {
                play(channels[i]);
                return;
            }
        }
        banner('There is no channel ' + number + '.', 3000);
    }

    // Asks for events again and again.
    function watch(first) {
        clearTimeout(watching);
        ask('watchdog', 'get_events', { cur_play_type: playing ? 1 : 0, event_active_id: showing, init: first }, function (answer) {
            watching = setTimeout(function () { watch(0); }, (profile.watchdog_timeout || 60) * 1000);
            told(answer.data);
        });
    }

    function told(news) {
        switch (news.event) {
        case 'send_msg':
        case 'send_msg_with_video':
            message(news);
            break;
        case 'reboot':
            device.reboot();
            break;
        case 'reload_portal':
            location.reload();
            break;
        case 'play_channel':
            go(Number(news.msg));
            break;
        case 'update_channels':
        case 'update_subscription':
            load();
            break;
        case 'cut_off':
            block('');
            break;
        case 'cut_on':
            dismiss();
            start();
            break;
        }
    }

    function message(news) {
        showing = Number(news.id);
        say(news.msg, function () {
            if (Number(news.need_confirm)) {
                ask('watchdog', 'confirm_event', { event_active_id: news.id }, function () { watch(0); });
            }
            showing = 0;
            if (Number(news.reboot_after_ok)) {
                device.reboot();
            }
        });
        if (Number(news.auto_hide_timeout)) {
            setTimeout(function () { if (showing === Number(news.id)) { showing = 0; dismiss(); } }, Number(news.auto_hide_timeout) * 1000);
        }
    }

    // A text that waits for OK.
    function say(text, done) {
        form(text, [], done);
    }

    function form(text, fields, done) {
        var into = element('dialog-fields');
        element('dialog-text').innerHTML = '';
        var lines = text.split('\n');
        for (var l = 0; l < lines.length; l += 1) {
            element('dialog-text').appendChild(document.createTextNode(lines[l]));
            element('dialog-text').appendChild(document.createElement('br'));
        }
        into.innerHTML = '';
        for (var i = 0; i < fields.length; i += 1) {
            var input = document.createElement('input');
            input.name = fields[i].name;
            input.type = fields[i].kind;
            input.placeholder = fields[i].name;
            into.appendChild(input);
        }
        answered = done;
        element('dialog').style.display = 'block';
        (into.getElementsByTagName('input')[0] || element('dialog-ok')).focus();
    }

    function dismiss() {
        element('dialog').style.display = 'none';
        answered = null;
    }

    element('dialog').onsubmit = function () {
        var done = answered, values = {};
        var inputs = element('dialog-fields').getElementsByTagName('input');
        for (var i = 0; i < inputs.length; i += 1) {
            values[inputs[i].name] = inputs[i].value;
        }
        dismiss();
        if (done) {
            done(values);
        }
        return false;
    };

    function banner(words, forTime) {
        clearTimeout(hiding);
        element('banner').className = words ? '' : 'empty';
        text('banner', words);
        if (forTime) {
            hiding = setTimeout(function () { banner(''); }, forTime);
        }
    }

    function text(id, words) {
        element(id).innerHTML = '';
        element(id).appendChild(document.createTextNode(words));
    }

    // Sizes the text to the screen, whatever its resolution.
    function fit() {
        document.body.style.fontSize = Math.max(10, window.innerHeight / LINES) + 'px';
    }

    function tick() {
        var now = new Date(), minutes = now.getMinutes();
        text('clock', now.getHours() + ':' + (minutes < 10 ? '0' : '') + minutes);
    }

    function draw() {
        fit();
        text('title', genres[genre] ? genres[genre].title : '');
        text('count', shown.length ? (channel + 1) + ' / ' + shown.length : '');
        rows('genres', genres, genre, inGenres, function (one) { return ['', one.title, '']; });
        rows('channels', shown, channel, !inGenres, function (one) { return [one.number, one.name, playing && one.id === playing.id ? '\u25B6' : '']; });
    }

    // The part of a list around the row where one is.
    function rows(id, list, at, focused, texts) {
        var into = element(id);
        into.innerHTML = '';
        var first = Math.max(0, Math.min(at - Math.floor(ROWS / 2), list.length - ROWS));
        for (var i = first; i < Math.min(first + ROWS, list.length); i += 1) {
            into.appendChild(row(id, i, i === at, focused, texts(list[i])));
        }
    }

    function row(id, i, isHere, focused, texts) {
        var line = document.createElement('div');
        line.className = 'row' + (isHere ? (focused ? ' focus' : ' here') : '');
        var number = document.createElement('span');
        number.className = texts[0] ? 'place' : '';
        number.appendChild(document.createTextNode(texts[0]));
        if (texts[2]) {
            var mark = document.createElement('span');
            mark.className = 'on';
            mark.appendChild(document.createTextNode(texts[2]));
            line.appendChild(mark);
        }
        line.appendChild(number);
        line.appendChild(document.createTextNode(texts[1]));
        line.onclick = function () {
            if (id === 'genres') {
                genre = i;
                open();
            } else {
                play(shown[i]);
            }
        };
        return line;
    }

    function digit(number) {
        clearTimeout(typing);
        typed = (typed + number).slice(-4);
        element('number').className = '';
        element('number').innerHTML = typed;
        typing = setTimeout(arrive, 1500);
    }

    function arrive() {
        var number = Number(typed);
        clearTimeout(typing);
        typed = '';
        element('number').className = 'empty';
        go(number);
    }

    function inList(key) {
        var list = inGenres ? genres : shown;
        var by = { 38: -1, 40: 1, 33: -ROWS, 34: ROWS }[key];
        if (key === LEFT || key === RIGHT) {
            inGenres = key === LEFT;
        } else if (key === OK && !inGenres && shown[channel]) {
            play(shown[channel]);
            return;
        } else if (key === OK) {
            inGenres = false;
        } else if ((key === BACK || key === ESCAPE) && playing) {
            element('lists').className = 'hidden';
        } else if (by && list.length) {
            var at = (inGenres ? genre : channel) + by;
            at = Math.abs(by) === 1 ? (at + list.length) % list.length : Math.max(0, Math.min(at, list.length - 1));
            if (inGenres) {
                genre = at;
                open();
            } else {
                channel = at;
            }
        }
        draw();
    }

    function inPicture(key) {
        if (key === UP || key === PAGE_UP) {
            step(1);
        } else if (key === DOWN || key === PAGE_DOWN) {
            step(-1);
        } else if (key === OK || key === LEFT || key === RIGHT) {
            showLists();
        } else if (key === BACK || key === ESCAPE) {
            stop();
            showLists();
        }
    }

    document.onkeydown = function (event) {
        var key = event.keyCode;
        if (element('dialog').style.display === 'block') {
            return true;
        }
        if (key >= 48 && key <= 57) {
            digit(String(key - 48));
        } else if (key === OK && typed) {
            arrive();
        } else if (element('lists').className === '') {
            inList(key);
        } else {
            inPicture(key);
        }
        return false;
    };

    window.onresize = fit;
    fit();
    tick();
    setInterval(tick, 5000);
    start();
}());
