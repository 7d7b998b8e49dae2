// Every text of the pages. A key that a language lacks is shown in English.
export const languages = { en: "English", uk: "Українська", ru: "Русский" };

const en = {
  firstAdmin: "First admin", makeAdmin: "Make the admin", adminMade: "You are the admin",
  firstAdminIntro: "This node has no admin yet. Choose a name and a password of at least 8 characters; the link works once.",
  adminNext: "Next: add extensions and agents (`ringmaster extension add`, `ringmaster agent add`), and a campaign (`ringmaster campaign add`). The API is described here:",
  linkDead: "This link is not good any more: an admin was made, or its hour is over. Restart the node for another one, or run: ringmaster user add NAME --role admin",
  board: "Board", crm: "CRM", desk: "Agent desk", docs: "API", language: "Language", theme: "Theme",
  themeAuto: "System", themeLight: "Light", themeDark: "Dark", live: "live", lost: "connection lost, trying again",
  demoNote: "Demo: no phone is dialed, all people and numbers are invented.",

  campaign: "Campaign", waiting: "Waiting", calling: "Calling", coding: "Call code", finished: "Finished",
  progress: "{0} of {1} contacts finished", callsPerMinute: "Calls a minute", lastTenMinutes: "the last ten minutes",
  inCallNow: "Agents in call", free: "{0} available", webhooks: "Webhooks", atTheCRM: "received by the CRM", answered: "Answered", ofCalls: "of {0} calls that ended",
  agents: "Agents", outcomes: "Outcomes", codes: "Call codes", noneYet: "None yet",
  takeOver: "Take over", takenOver: "taken over", card: "Card", autoOff: "auto-call off",
  mode_progressive: "progressive", mode_predictive: "predictive", mode_preview: "preview", mode_manual: "manual",
  status_draft: "not started", status_running: "running", status_paused: "paused", status_stopped: "stopped", status_finished: "finished",

  logged_off: "Logged off", available: "Available", ordered: "Dialing", delivered: "Ringing", talking: "Talking", holding: "On hold",
  clerical: "Call code", paused: "Pause", forcepause: "Force Pause",

  answered_o: "Answered", busy: "Busy", no_answer: "No answer", rejected: "Rejected", invalid_number: "Invalid number", congestion: "Congestion",
  agent_no_answer: "Agent did not answer", agent_gave_up: "Agent gave up", abandoned: "Abandoned", unknown: "Unknown",

  crmTitle: "Webhooks as they arrive", crmIntro: "A small CRM, built into the demo. Every request was checked for its signature.",
  time: "Time", type: "Event", contact: "Contact", agent: "Agent", result: "Result", trace: "calltraceid", recording: "Recording",
  allTypes: "All events", hold: "Hold the list", resume: "Go on", received: "received", held: "{0} more are waiting",
  details: "The event as it came", close: "Close", waitingForFirst: "Waiting for the first webhook…", listen: "Listen", repeated: "came {0} times",
  show: "Show {0}",

  customer: "Customer", phones: "Phones", history: "Calls", noCalls: "No calls yet.", notFound: "The CRM knows no such customer.",
  debt: "Debt", contract: "Contract", product: "Product", due_since: "Due since", city: "City", speaks: "Language", nextCall: "Next call",
  state_waiting: "waiting", state_calling: "in a call", state_coding: "waits for a call code", state_finished: "finished", noCode: "no call code in time",
  by: "by", seconds: "{0} s",

  login: "Login", password: "Password", extension: "Extension", anyFree: "any free one", signIn: "Take the desk",
  signInIntro: "Sign in as an agent. In the demo the simulated agent of that name steps aside and comes back when you leave.",
  badLogin: "No such user, or another password.", failedLogin: "Signing in failed ({0}).", connecting: "Connecting…",
  notConnected: "Not connected. The desk comes back by itself.", unavailable: "No agent process is free to serve this desk.",
  logout: "Log out", autoCall: "Automatic calls", on: "On", off: "Off", pause: "Pause", endPause: "End the pause", endForcePause: "My phone works again",
  forcePauseNote: "Your phone did not answer, so calls are kept from you.", phoneNumber: "Phone number", queue: "Queue", call: "Call", hangUp: "Hang up",
  holdCall: "Hold", retrieve: "Retrieve", mute: "Mute", unmute: "Unmute", callCodes: "Call code", codeKeys: "keys 1 to {0}", callbackAt: "Call back at (optional)",
  noCard: "The customer's card opens here with the call.", cardOf: "Card of the customer", openCard: "Open in a tab", recordsCall: "Call {0}",
  readyAuto: "Waiting for the next call.", readyManual: "Automatic calls are off. You may call by hand.", pauseNext: "Pause after this call",
};

const uk = {
  firstAdmin: "Перший адміністратор", makeAdmin: "Створити адміністратора", adminMade: "Ви адміністратор",
  firstAdminIntro: "На цьому вузлі ще немає адміністратора. Оберіть ім’я та пароль щонайменше з 8 символів; посилання діє один раз.",
  adminNext: "Далі: додайте внутрішні номери й операторів (`ringmaster extension add`, `ringmaster agent add`) та кампанію (`ringmaster campaign add`). Опис API тут:",
  linkDead: "Посилання вже не діє: адміністратора створено або його година минула. Перезапустіть вузол, щоб отримати інше, або виконайте: ringmaster user add NAME --role admin",
  board: "Огляд", crm: "CRM", desk: "Робоче місце", docs: "API", language: "Мова", theme: "Вигляд",
  themeAuto: "Системний", themeLight: "Світлий", themeDark: "Темний", live: "наживо", lost: "зв’язок втрачено, відновлюємо",
  demoNote: "Демо: жоден телефон не набирається, люди й номери вигадані.",

  campaign: "Кампанія", waiting: "Очікують", calling: "Дзвінок", coding: "Код дзвінка", finished: "Завершено",
  progress: "Завершено {0} з {1} контактів", callsPerMinute: "Дзвінків за хвилину", lastTenMinutes: "останні десять хвилин",
  inCallNow: "Агентів у розмові", free: "вільних: {0}", webhooks: "Вебхуки", atTheCRM: "отримала CRM", answered: "Відповіли", ofCalls: "з {0} завершених дзвінків",
  agents: "Агенти", outcomes: "Результати", codes: "Коди дзвінків", noneYet: "Поки немає",
  takeOver: "Сісти на місце", takenOver: "зайнято вами", card: "Картка", autoOff: "автодзвінки вимкнено",
  mode_progressive: "прогресивна", mode_predictive: "предиктивна", mode_preview: "з переглядом", mode_manual: "ручна",
  status_draft: "не розпочата", status_running: "триває", status_paused: "на паузі", status_stopped: "зупинена", status_finished: "завершена",

  logged_off: "Не в системі", available: "Вільний", ordered: "Набір", delivered: "Дзвонить", talking: "Розмова", holding: "Утримання",
  clerical: "Код дзвінка", paused: "Пауза", forcepause: "Примусова пауза",

  answered_o: "Відповідь", busy: "Зайнято", no_answer: "Не відповідає", rejected: "Відхилено", invalid_number: "Невірний номер", congestion: "Перевантаження",
  agent_no_answer: "Агент не відповів", agent_gave_up: "Агент не дочекався", abandoned: "Втрачено", unknown: "Невідомо",

  crmTitle: "Вебхуки в міру надходження", crmIntro: "Маленька CRM, вбудована в демо. Підпис кожного запиту перевірено.",
  time: "Час", type: "Подія", contact: "Контакт", agent: "Агент", result: "Результат", trace: "calltraceid", recording: "Запис",
  allTypes: "Усі події", hold: "Зупинити список", resume: "Далі", received: "отримано", held: "ще {0} чекають",
  details: "Подія, як надійшла", close: "Закрити", waitingForFirst: "Чекаємо на перший вебхук…", listen: "Слухати", repeated: "надійшла {0} рази",
  show: "Показати {0}",

  customer: "Клієнт", phones: "Телефони", history: "Дзвінки", noCalls: "Дзвінків ще не було.", notFound: "CRM не знає такого клієнта.",
  debt: "Борг", contract: "Договір", product: "Продукт", due_since: "Прострочено з", city: "Місто", speaks: "Мова", nextCall: "Наступний дзвінок",
  state_waiting: "очікує", state_calling: "у розмові", state_coding: "чекає на код дзвінка", state_finished: "завершено", noCode: "код не вказано вчасно",
  by: "агент", seconds: "{0} с",

  login: "Логін", password: "Пароль", extension: "Внутрішній номер", anyFree: "будь-який вільний", signIn: "Сісти за стіл",
  signInIntro: "Увійдіть як агент. У демо симульований агент із цим ім’ям поступиться місцем і повернеться, коли ви підете.",
  badLogin: "Немає такого користувача або інший пароль.", failedLogin: "Не вдалося увійти ({0}).", connecting: "З’єднуємо…",
  notConnected: "Немає зв’язку. Він відновиться сам.", unavailable: "Немає вільного процесу для цього місця.",
  logout: "Вийти", autoCall: "Автоматичні дзвінки", on: "Увімк.", off: "Вимк.", pause: "Пауза", endPause: "Завершити паузу", endForcePause: "Мій телефон знову працює",
  forcePauseNote: "Ваш телефон не відповів, тому дзвінки зупинено.", phoneNumber: "Номер телефону", queue: "Черга", call: "Подзвонити", hangUp: "Покласти слухавку",
  holdCall: "Утримати", retrieve: "Повернути", mute: "Вимк. мікрофон", unmute: "Увімк. мікрофон", callCodes: "Код дзвінка", codeKeys: "клавіші 1–{0}", callbackAt: "Передзвонити о (необов’язково)",
  noCard: "Картка клієнта відкриється тут разом із дзвінком.", cardOf: "Картка клієнта", openCard: "Відкрити у вкладці", recordsCall: "Дзвінок {0}",
  readyAuto: "Чекаємо на наступний дзвінок.", readyManual: "Автоматичні дзвінки вимкнено. Можна дзвонити вручну.", pauseNext: "Пауза після дзвінка",
};

const ru = {
  firstAdmin: "Первый администратор", makeAdmin: "Создать администратора", adminMade: "Вы администратор",
  firstAdminIntro: "На этом узле ещё нет администратора. Выберите имя и пароль не короче 8 символов; ссылка действует один раз.",
  adminNext: "Далее: добавьте внутренние номера и операторов (`ringmaster extension add`, `ringmaster agent add`) и кампанию (`ringmaster campaign add`). Описание API здесь:",
  linkDead: "Ссылка больше не действует: администратор уже создан или её час прошёл. Перезапустите узел, чтобы получить другую, или выполните: ringmaster user add NAME --role admin",
  board: "Обзор", crm: "CRM", desk: "Рабочее место", docs: "API", language: "Язык", theme: "Вид",
  themeAuto: "Системный", themeLight: "Светлый", themeDark: "Тёмный", live: "в эфире", lost: "связь потеряна, восстанавливаем",
  demoNote: "Демо: ни один телефон не набирается, люди и номера вымышлены.",

  campaign: "Кампания", waiting: "Ожидают", calling: "Звонок", coding: "Код звонка", finished: "Завершено",
  progress: "Завершено {0} из {1} контактов", callsPerMinute: "Звонков в минуту", lastTenMinutes: "последние десять минут",
  inCallNow: "Агентов в разговоре", free: "свободных: {0}", webhooks: "Вебхуки", atTheCRM: "получила CRM", answered: "Ответили", ofCalls: "из {0} завершённых звонков",
  agents: "Агенты", outcomes: "Результаты", codes: "Коды звонков", noneYet: "Пока нет",
  takeOver: "Занять место", takenOver: "занято вами", card: "Карточка", autoOff: "автозвонки выключены",
  mode_progressive: "прогрессивная", mode_predictive: "предиктивная", mode_preview: "с просмотром", mode_manual: "ручная",
  status_draft: "не начата", status_running: "идёт", status_paused: "на паузе", status_stopped: "остановлена", status_finished: "завершена",

  logged_off: "Не в системе", available: "Свободен", ordered: "Набор", delivered: "Звонит", talking: "Разговор", holding: "Удержание",
  clerical: "Код звонка", paused: "Пауза", forcepause: "Принудительная пауза",

  answered_o: "Ответ", busy: "Занято", no_answer: "Нет ответа", rejected: "Отклонён", invalid_number: "Неверный номер", congestion: "Перегрузка",
  agent_no_answer: "Агент не ответил", agent_gave_up: "Агент не дождался", abandoned: "Потерян", unknown: "Неизвестно",

  crmTitle: "Вебхуки по мере поступления", crmIntro: "Маленькая CRM, встроенная в демо. Подпись каждого запроса проверена.",
  time: "Время", type: "Событие", contact: "Контакт", agent: "Агент", result: "Результат", trace: "calltraceid", recording: "Запись",
  allTypes: "Все события", hold: "Остановить список", resume: "Дальше", received: "получено", held: "ещё {0} ждут",
  details: "Событие, как пришло", close: "Закрыть", waitingForFirst: "Ждём первый вебхук…", listen: "Слушать", repeated: "пришло {0} раза",
  show: "Показать {0}",

  customer: "Клиент", phones: "Телефоны", history: "Звонки", noCalls: "Звонков ещё не было.", notFound: "CRM не знает такого клиента.",
  debt: "Долг", contract: "Договор", product: "Продукт", due_since: "Просрочено с", city: "Город", speaks: "Язык", nextCall: "Следующий звонок",
  state_waiting: "ожидает", state_calling: "в разговоре", state_coding: "ждёт кода звонка", state_finished: "завершён", noCode: "код не указан вовремя",
  by: "агент", seconds: "{0} с",

  login: "Логин", password: "Пароль", extension: "Внутренний номер", anyFree: "любой свободный", signIn: "Сесть за стол",
  signInIntro: "Войдите как агент. В демо симулированный агент с этим именем уступит место и вернётся, когда вы уйдёте.",
  badLogin: "Нет такого пользователя или другой пароль.", failedLogin: "Не удалось войти ({0}).", connecting: "Соединяем…",
  notConnected: "Нет связи. Она восстановится сама.", unavailable: "Нет свободного процесса для этого места.",
  logout: "Выйти", autoCall: "Автоматические звонки", on: "Вкл.", off: "Выкл.", pause: "Пауза", endPause: "Завершить паузу", endForcePause: "Мой телефон снова работает",
  forcePauseNote: "Ваш телефон не ответил, поэтому звонки остановлены.", phoneNumber: "Номер телефона", queue: "Очередь", call: "Позвонить", hangUp: "Положить трубку",
  holdCall: "Удержать", retrieve: "Вернуть", mute: "Выкл. микрофон", unmute: "Вкл. микрофон", callCodes: "Код звонка", codeKeys: "клавиши 1–{0}", callbackAt: "Перезвонить в (необязательно)",
  noCard: "Карточка клиента откроется здесь вместе со звонком.", cardOf: "Карточка клиента", openCard: "Открыть во вкладке", recordsCall: "Звонок {0}",
  readyAuto: "Ждём следующий звонок.", readyManual: "Автоматические звонки выключены. Можно звонить вручную.", pauseNext: "Пауза после звонка",
};

export const words = { en, uk, ru };
