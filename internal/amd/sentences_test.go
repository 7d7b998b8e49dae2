package amd

// What people and machines say. Those with even places are for setting the bounds, those with odd ones for measuring.

// short greetings, long ones, and what people say when nobody replies.
var (
	shortGreetings = map[string][]string{
		"en": {"Hello?", "Hello!", "Yes?", "Hi.", "Hello, who is it?", "Speaking.", "Good morning.", "Yes, hello?", "Smith.", "This is Anna.",
			"Hello, John speaking.", "Parker and sons.", "Reception.", "Hi, who's this?", "Accounts, Peter speaking.", "Hello, yes, I am listening."},
		"uk": {"Алло?", "Слухаю.", "Так?", "Слухаю вас.", "Добрий день.", "Алло, слухаю вас.", "Так, слухаю.", "Хто це?", "Марія слухає.", "Вітаю.",
			"Алло, хто це?", "Компанія Калина.", "Приймальня.", "Петренко, слухаю.", "Так, добрий день.", "Бухгалтерія, Олена."},
		"ru": {"Алло?", "Слушаю.", "Да?", "Слушаю вас.", "Добрый день.", "Алло, слушаю вас.", "Да, слушаю.", "Кто это?", "Мария слушает.", "Приветствую.",
			"Алло, кто это?", "Компания Рассвет.", "Приёмная.", "Иванов, слушаю.", "Да, добрый день.", "Бухгалтерия, Елена."},
	}
	longGreetings = map[string][]string{
		"en": {"Good day, this is Peter, who is it?", "Good afternoon, Parker and sons, Mary speaking.", "Hello, this is the Miller family, who is calling please?",
			"Good morning, city clinic, how can I help you?", "Hello, yes, hold on a second. Yes, I am listening.", "Blue river travel, Susan speaking, how may I help you?"},
		"uk": {"Добрий день, це Петро, а хто це?", "Добрий день, компанія Калина, Марія слухає.", "Алло, так, я слухаю, хто телефонує?",
			"Доброго ранку, міська лікарня, чим можу допомогти?", "Алло, зачекайте секунду. Так, слухаю вас.", "Магазин Веселка, Світлана, слухаю вас."},
		"ru": {"Добрый день, это Пётр, а кто это?", "Добрый день, компания Рассвет, Мария слушает.", "Алло, да, я слушаю, кто звонит?",
			"Доброе утро, городская больница, чем могу помочь?", "Алло, подождите секунду. Да, слушаю вас.", "Магазин Радуга, Светлана, слушаю вас."},
	}
	again = map[string][]string{
		"en": {"Hello?", "Hello? Anybody there?", "Who is this?", "Yes?"},
		"uk": {"Алло?", "Алло, вас не чути.", "Хто це?", "Так?"},
		"ru": {"Алло?", "Алло, вас не слышно.", "Кто это?", "Да?"},
	}
)

// machines' greetings, sentence by sentence: between two is a pause. Short ones have one sentence.
var machineGreetings = map[string][][]string{
	"en": {
		{"Hi, you've reached John Smith.", "I can't come to the phone right now.", "Please leave your name and number after the tone."},
		{"You have reached the voice mailbox of five five five, one two three four.", "Please leave a message after the beep."},
		{"Hello, this is Anna.", "I am not available.", "Leave me a message and I will call you back as soon as I can.", "Thank you, and have a nice day."},
		{"The person you are calling is not available.", "Please record your message after the tone.", "When you have finished recording, you may hang up or press one for more options."},
		{"Your call has been forwarded to an automated voice messaging system.", "At the tone, please record your message."},
		{"Thank you for calling Parker and sons.", "Our office is closed.", "Our hours are nine to five, Monday to Friday.", "Please leave a message."},
		{"We are not home right now, so please leave us a message after the tone."},
		{"Sorry I missed your call, please leave your name and number and I'll get back to you."},
		{"Please leave a message after the tone."},
		{"You've reached Mike, leave a message."},
		{"Hey, it's Dave.", "You know what to do, wait for the beep."},
		{"Hello.", "You have reached the Miller family.", "Nobody can take your call at the moment.", "Please leave a message."},
		{"Welcome to city clinic.", "All our operators are busy at the moment.", "Please stay on the line, or leave a message after the signal, and we will call you back."},
		{"Hi, this is the Taylors' answering machine.", "We can't find the remote control right now.", "Please leave your name and your number."},
		{"The mailbox you are trying to reach is full and cannot accept any messages at this time.", "Please try again later.", "Goodbye."},
		{"Good day, this is Peter from Blue river travel.", "I am travelling until Monday.", "In urgent cases please call my colleague Susan, or leave me a message."},
	},
	"uk": {
		{"Вітаю, ви зателефонували Івану Петренку.", "Зараз я не можу відповісти.", "Будь ласка, залиште повідомлення після сигналу."},
		{"Вас вітає голосова пошта абонента.", "Залиште ваше повідомлення після звукового сигналу."},
		{"Добрий день, це автовідповідач.", "Мене немає вдома.", "Залиште ваше ім'я та номер телефону, і я вам обов'язково передзвоню.", "Дякую."},
		{"Абонент, якому ви телефонуєте, зараз не може відповісти.", "Ви можете залишити голосове повідомлення після сигналу.", "Вартість дзвінка згідно з тарифами вашого оператора."},
		{"Ваш дзвінок переадресовано на голосову пошту.", "Будь ласка, говоріть після сигналу."},
		{"Дякуємо, що зателефонували до компанії Калина.", "На жаль, ми зараз не працюємо.", "Наш графік роботи з дев'ятої до вісімнадцятої, з понеділка до п'ятниці.", "Залиште повідомлення."},
		{"Нас немає вдома, тому залиште нам, будь ласка, повідомлення після сигналу."},
		{"Вибачте, я зараз зайнятий, залиште ваше повідомлення, і я вам передзвоню."},
		{"Будь ласка, залиште повідомлення після сигналу."},
		{"Це Михайло, залиште повідомлення."},
		{"Привіт, це Денис.", "Ви знаєте, що робити, чекайте на сигнал."},
		{"Алло.", "Ви зателефонували родині Мельників.", "Зараз ніхто не може взяти слухавку.", "Залиште, будь ласка, повідомлення."},
		{"Вітаємо в міській лікарні.", "Усі оператори зараз зайняті.", "Залишайтеся на лінії або залиште повідомлення після сигналу, і ми вам передзвонимо."},
		{"Привіт, це автовідповідач родини Ткаченків.", "Ми не можемо підійти до телефону.", "Назвіть ваше ім'я та номер."},
		{"Поштова скринька, до якої ви звертаєтеся, переповнена і не може прийняти повідомлення.", "Зателефонуйте пізніше.", "До побачення."},
		{"Добрий день, це Петро з компанії Веселка.", "Я у відпустці до понеділка.", "У термінових справах телефонуйте моїй колезі Світлані або залиште повідомлення."},
	},
	"ru": {
		{"Здравствуйте, вы позвонили Ивану Петрову.", "Сейчас я не могу ответить.", "Пожалуйста, оставьте сообщение после сигнала."},
		{"Вас приветствует голосовая почта абонента.", "Оставьте ваше сообщение после звукового сигнала."},
		{"Добрый день, это автоответчик.", "Меня нет дома.", "Оставьте ваше имя и номер телефона, и я вам обязательно перезвоню.", "Спасибо."},
		{"Абонент, которому вы звоните, сейчас не может ответить.", "Вы можете оставить голосовое сообщение после сигнала.", "Стоимость звонка согласно тарифам вашего оператора."},
		{"Ваш звонок переадресован на голосовую почту.", "Пожалуйста, говорите после сигнала."},
		{"Спасибо, что позвонили в компанию Рассвет.", "К сожалению, мы сейчас не работаем.", "Наш график работы с девяти до восемнадцати, с понедельника по пятницу.", "Оставьте сообщение."},
		{"Нас нет дома, поэтому оставьте нам, пожалуйста, сообщение после сигнала."},
		{"Извините, я сейчас занят, оставьте ваше сообщение, и я вам перезвоню."},
		{"Пожалуйста, оставьте сообщение после сигнала."},
		{"Это Михаил, оставьте сообщение."},
		{"Привет, это Денис.", "Вы знаете, что делать, ждите сигнала."},
		{"Алло.", "Вы позвонили семье Мельниковых.", "Сейчас никто не может взять трубку.", "Оставьте, пожалуйста, сообщение."},
		{"Добро пожаловать в городскую больницу.", "Все операторы сейчас заняты.", "Оставайтесь на линии или оставьте сообщение после сигнала, и мы вам перезвоним."},
		{"Привет, это автоответчик семьи Ткаченко.", "Мы не можем подойти к телефону.", "Назовите ваше имя и номер."},
		{"Почтовый ящик, к которому вы обращаетесь, переполнен и не может принять сообщение.", "Позвоните позже.", "До свидания."},
		{"Добрый день, это Пётр из компании Радуга.", "Я в отпуске до понедельника.", "В срочных случаях звоните моей коллеге Светлане или оставьте сообщение."},
	},
}
