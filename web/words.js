// words.js - every word of the page in English and Spanish. What the API says in both languages (names of KPIs, families,
// outcomes, definitions, actions) is not here: it comes from the API.
const units = {
  "conversations per customer": ["per customer", "por cliente"], "modules per account": ["modules per account", "módulos por cuenta"],
  "actions per week per active account": ["actions a week per account", "acciones por semana y cuenta"],
};

// key: [English, Spanish]; {name} is filled in by say().
const words = {
  skip: ["Go to the figures", "Ir a los indicadores"],
  period: ["Period", "Periodo"], from: ["from", "desde"], to: ["to", "hasta"], zone: ["Time zone", "Zona horaria"],
  slice: ["By", "Por"], of: ["of", "de"], profile: ["Definitions", "Definiciones"], filled: ["only with a value", "solo con valor"],
  "1m": ["1 min", "1 min"], "5m": ["5 min", "5 min"], "1h": ["1 h", "1 h"], today: ["Today", "Hoy"], "7d": ["7 days", "7 días"],
  "30d": ["30 days", "30 días"], own: ["Own range", "Otro rango"],
  tapZone: ["{zone} (the tap's)", "{zone} (la del sistema)"], ownZone: ["{zone} (this browser's)", "{zone} (la de este navegador)"],
  nothing: ["everything", "todo"], total: ["all", "todos"], unsaid: ["(not said)", "(sin indicar)"], others: ["(others)", "(otros)"],
  channel: ["channel", "canal"], language: ["language", "idioma"], bot: ["bot", "bot"], bot_version: ["bot version", "versión del bot"],
  tenant: ["tenant", "inquilino"], outcome: ["outcome", "resultado"], reason: ["reason of the handoff", "motivo del traspaso"],
  topic: ["topic", "tema"], intent: ["intent", "intención"], product: ["product", "producto"], country: ["country", "país"],
  segment: ["segment", "segmento"], hour: ["hour", "hora"], weekday: ["weekday", "día de la semana"], day: ["day", "día"],
  week: ["week", "semana"], month: ["month", "mes"], quarter: ["quarter", "trimestre"],
  live: ["live", "en vivo"], joining: ["connecting …", "conectando …"], polling: ["every 10 s (no live feed)", "cada 10 s (sin canal en vivo)"],
  away: ["no connection, trying again in {s} s", "sin conexión; nuevo intento en {s} s"],
  conversations: ["conversations", "conversaciones"], customers: ["customers", "clientes"], messages: ["messages", "mensajes"],
  events: ["business events", "eventos de negocio"],
  closedIn: ["Conversations closed between {from} and {to}", "Conversaciones cerradas entre {from} y {to}"],
  startedIn: ["Conversations started between {from} and {to}", "Conversaciones iniciadas entre {from} y {to}"],
  against: [", against {from} to {to}", ", frente a {from} – {to}"],
  between: ["between {low} and {high}", "entre {low} y {high}"], ofAll: ["{a} of {b}", "{a} de {b}"], cases: ["{n} cases", "{n} casos"], oneCase: ["1 case", "1 caso"],
  met: ["target {t} met", "objetivo {t} cumplido"], missed: ["target {t} missed", "objetivo {t} incumplido"], target: ["target {t}", "objetivo {t}"],
  provisional: ["{n} provisional until {day}", "{n} provisionales hasta {day}"], provisionalOpen: ["{n} provisional", "{n} provisionales"],
  needs_customers: ["not of a live window: choose days", "no en una ventana en vivo: elija días"],
  needs_range: ["not of a live window: choose days", "no en una ventana en vivo: elija días"],
  leftOut: ["nothing to count yet: {n} left out", "aún nada que contar: {n} fuera"], uncounted: ["nothing to count here", "nada que contar aquí"],
  "key (none)": ["(not said)", "(sin dato)"], "key (other)": ["(others)", "(otros)"], "key positive": ["positive", "positivas"],
  "key negative": ["negative", "negativas"], "key mixed": ["both", "ambas"], "key none": ["neither", "ninguna"],
  up: ["up", "sube"], down: ["down", "baja"], no_change: ["no real change", "sin cambio real"], untested: ["untested", "sin contrastar"],
  better: ["better", "mejor"], worse: ["worse", "peor"],
  outcomes: ["How conversations ended", "Cómo terminaron las conversaciones"],
  formula: ["Formula", "Fórmula"], help: ["What it says", "Qué dice"], figure: ["Figure", "Cifra"], value: ["value", "valor"],
  numerator: ["numerator", "numerador"], denominator: ["denominator", "denominador"], interval: ["95 % interval", "intervalo del 95 %"],
  n: ["cases", "casos"], left_out: ["left out", "fuera"], error: ["standard error", "error estándar"], percentiles: ["percentiles", "percentiles"],
  standing: ["target", "objetivo"], change: ["against the period before", "frente al periodo anterior"],
  parts: ["In parts", "Por partes"], variants: ["Variants", "Variantes"], slices: ["By {by}", "Por {by}"],
  definitions: ["What others mean by it", "Qué entienden otros"], defined: ["As {who} defines it", "Según la definición de {who}"],
  behind: ["Conversations behind it", "Las conversaciones que hay detrás"], inNumerator: ["in the numerator", "en el numerador"],
  inDenominator: ["in the denominator", "en el denominador"],
  cannotList: ["Conversations cannot be told apart for a figure that counts customers, events, or another's definition: these are all of the period.",
    "En un indicador que cuenta clientes o eventos, o con la definición de otro, no se pueden separar: estas son todas las del periodo."],
  more: ["more", "más"], none: ["none", "ninguna"], address: ["in the API", "en la API"],
  latest: ["Newly closed", "Recién cerradas"], noneYet: ["None closed yet.", "Aún ninguna cerrada."], gap: ["{n} were not told: too many at once", "{n} no se mostraron: demasiadas a la vez"],
  alarms: ["Alarms", "Alarmas"], action: ["What to do", "Qué hacer"], since: ["since {t}", "desde {t}"], noAction: ["No action is configured.", "No hay una acción configurada."],
  critical: ["critical", "crítica"], warning: ["warning", "aviso"], info: ["info", "información"], was: ["{v}, {n} cases, because {c}", "{v}, {n} casos, por {c}"],
  health: ["Health", "Estado"], ready: ["Working", "Funciona"], unready: ["Not to be relied on now", "No es fiable ahora mismo"],
  not_recording: ["The tape does not take what comes.", "La cinta no admite lo que llega."], not_storing: ["The store does not take what is judged.", "El almacén no admite lo juzgado."],
  behindNow: ["Judging is behind.", "El juicio va con retraso."], problem: ["There is a problem.", "Hay un problema."], recovering: ["Recovering after a start.", "Recuperándose tras un arranque."],
  open: ["open now", "abiertas ahora"], lag: ["behind", "retraso"], tape: ["tape", "cinta"], store: ["store", "almacén"], drops: ["left out, by name", "lo que quedó fuera"],
  noDrops: ["Nothing was left out.", "No quedó nada fuera."], version: ["version", "versión"],
  conversation: ["Conversation", "Conversación"], stillOpen: ["still open: judged as it stands", "aún abierta: juzgada como está"], revision: ["revision {n}", "revisión {n}"],
  started: ["started", "inicio"], lasted: ["lasted", "duración"], customer: ["customer", "cliente"], resolved: ["resolved", "resuelta"], escalated: ["a person took part", "intervino una persona"],
  yes: ["yes", "sí"], no: ["no", "no"], unknown: ["unknown", "no se sabe"], complaint: ["complaint", "queja"], cost: ["cost", "coste"], first: ["first answer after", "primera respuesta tras"],
  evidence: ["Message by message", "Mensaje a mensaje"], message: ["Message {n}", "Mensaje {n}"], decides: ["decides", "decide"], quiet: ["No rule spoke.", "Ninguna regla habló."],
  rule: ["rule {rule}", "regla {rule}"], fact: ["a fact of the platform", "un hecho de la plataforma"], bytes: ["bytes {a} to {b}", "bytes {a} a {b}"], because: ["because of message {n}", "por el mensaje {n}"],
  nothingDecides: ["No signal decides it: it is how the conversation was left.", "Ninguna señal lo decide: así quedó la conversación."],
  whyNot: ["Why not otherwise", "Por qué no otra cosa"], noTexts: ["Texts of conversations are neither stored nor shown.", "Los textos de las conversaciones ni se guardan ni se muestran."],
  token: ["Token", "Clave de acceso"], tokenHelp: ["This tap asks for a token with the scope “read”. It stays in this tab.", "Este sistema pide una clave (token) con el permiso «read». Se queda en esta pestaña."],
  enter: ["Enter", "Entrar"], refusedToken: ["This token is not taken.", "Esta clave no se admite."], trouble: ["The tap says: {text}", "El sistema dice: {text}"],
  unreachable: ["The tap does not answer.", "El sistema no responde."], close: ["Close", "Cerrar"], back: ["Back", "Volver"],
  foot: ["Rates carry 95 % Wilson intervals. A dash is a KPI with nothing to count, which is not zero. Everything on this page comes from this tap's own API; nothing is asked of anywhere else.",
    "Los porcentajes llevan intervalos de Wilson del 95 %. Una raya es un indicador sin nada que contar, que no es cero. Todo lo de esta página viene de la propia API de este sistema; no se pide nada a ningún otro sitio."],
};

export const langs = ["en", "es"];
let at = 0;
export const lang = () => langs[at];
export function speak(name) { at = Math.max(0, langs.indexOf(name)); document.documentElement.lang = lang(); }
export function say(key, values = {}) {
  return (words[key]?.[at] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
export const known = (key) => key in words;
export const unit = (name) => units[name]?.[at] ?? "";
// Of {"en", "es"}, as the API gives it.
export const both = (text) => text?.[lang()] ?? text?.en ?? "";
