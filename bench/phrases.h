/* phrases.h - what the customers, bots and people of the generated conversations say, in Spanish, English and
 * Portuguese.
 *
 * Slots: {n} order number, {p} product, {c} city, {m} amount, {d} date, {h} hour, {a} first name. Each table ends with
 * NULL. Included by generate.c and relay_load.c.
 */
#ifndef BENCH_PHRASES_H
#define BENCH_PHRASES_H

#include <stddef.h>

enum phrase_kind {
    SAY_OPEN,     /* the customer's problem */
    SAY_DETAIL,   /* more about it */
    SAY_ANSWER,   /* the bot's answer */
    SAY_OFFER,    /* what the bot adds to it */
    SAY_FALLBACK, /* the bot did not understand */
    SAY_HUMAN,    /* the customer asks for a person */
    SAY_HANDOFF,  /* the bot announces one */
    SAY_NOBODY,   /* nobody is free */
    SAY_AGENT,    /* the person */
    SAY_UNSOLVED, /* "still not working" */
    SAY_CLOSING,  /* "anything else?" */
    SAY_THANKS,
    SAY_SURVEY_CSAT,
    SAY_SURVEY_NPS,
    SAY_SURVEY_CES,
    SAY_KIND_COUNT
};
enum { PHRASE_LANGUAGES = 3 };
static const char *const phrase_language[PHRASE_LANGUAGES] = {"es", "en", "pt"};

/* NOLINTBEGIN(bugprone-suspicious-missing-comma): long sentences go over two lines */
static const char *const es_open[] = {
    "Hola, buenas. Compré {p} el {d} y el pedido {n} todavía no ha llegado a {c}, ¿me pueden decir dónde está?",
    "Buenos días, quiero cancelar el pedido {n} porque me equivoqué de dirección y ya no vivo en {c}.",
    "Me cobraron {m} euros dos veces en la tarjeta por la misma compra del {d}, necesito que me devuelvan el dinero.",
    "No puedo entrar en mi cuenta desde ayer a las {h}, he cambiado la contraseña tres veces y sigue dando error.",
    "Quisiera saber por qué mi factura de este mes subió a {m} euros si no he cambiado de tarifa desde el {d}.",
    "El técnico tenía que venir a {c} el {d} a las {h} y no apareció nadie, ni siquiera llamaron para avisar.",
    "¿Qué documentos hacen falta para abrir una cuenta de ahorro en la oficina de {c}? Soy cliente desde hace años.",
    "Recibí {p} pero la caja venía abierta y falta el cargador, mi número de pedido es el {n}.",
    "Necesito cambiar la cita del {d} a las {h} por otra a partir de la semana que viene, si puede ser por la tarde.",
    "Se fue la luz en mi calle de {c} a las {h} y el medidor {n} sigue apagado, ¿hay una avería en la zona?",
    "Quiero devolver {p}, no es de la talla que pedí, y que me reembolsen los {m} euros en la misma tarjeta.",
    "Estoy esperando una transferencia de {m} euros desde el {d} y en la aplicación no aparece ningún movimiento.",
    NULL};
static const char *const es_detail[] = {
    "Mi nombre es {a} y el número de referencia es {n}, lo tengo delante en el correo de confirmación del {d}.",
    "Sí, es la dirección de {c}, la misma que usé en la compra anterior de {p}.",
    "Ya probé eso a las {h} y me sale el mismo aviso, además la aplicación se cierra sola.",
    "El importe exacto son {m} euros, me lo cargaron el {d} por la noche según el banco.",
    "Lo compré en la tienda de {c}, pero la factura la tengo solo en papel y casi no se lee.",
    "¿Y cuánto tarda eso más o menos? Salgo de viaje el {d} y lo necesito antes de esa fecha.",
    "De acuerdo, pero en la cuenta sigue apareciendo {p} como pendiente y no me deja avanzar.",
    "ok, el {n}",
    "vale, espero entonces a que me confirmen la fecha de {c} 🙂",
    NULL};
static const char *const es_answer[] = {
    "He encontrado tu pedido {n}: salió del almacén de {c} el {d} y la entrega está prevista antes de las {h}.",
    "Para gestionar el reembolso de {m} euros necesito que confirmes el número de pedido y los cuatro últimos dígitos "
    "de la tarjeta.",
    "Tu factura del {d} incluye un cargo por servicios adicionales de {m} euros que se activó desde la aplicación.",
    "La cita queda reservada para el {d} a las {h} en {c}. Te llegará un mensaje de confirmación con el código {n}.",
    "Gracias por la información, {a}. Según nuestro sistema, {p} está disponible y se puede cambiar sin coste durante "
    "treinta días.",
    "Para recuperar el acceso abre la página de inicio, elige cambiar contraseña y usa el código que te hemos enviado "
    "a las {h}.",
    "Hay una incidencia abierta en {c} con la referencia {n}; el equipo técnico calcula que estará resuelta a las {h}.",
    "La transferencia de {m} euros está en proceso y se abonará en un plazo máximo de dos días laborables desde el "
    "{d}.",
    NULL};
static const char *const es_offer[] = {"",
                                       " Puedes seguir el estado en tu área de cliente o en la aplicación.",
                                       " Te avisaremos por mensaje en cuanto cambie algo.",
                                       " ¿Es correcta esta información?",
                                       " Si lo prefieres, te lo mando por correo electrónico.",
                                       NULL};
static const char *const es_fallback[] = {"Perdona, no te he entendido bien. ¿Puedes explicarlo con otras palabras o "
                                          "elegir una de las opciones del menú de ayuda?",
                                          "Lo siento, no he comprendido tu mensaje. Prueba a escribir en pocas "
                                          "palabras qué necesitas, por ejemplo consultar un pedido.",
                                          NULL};
static const char *const es_human[] = {
    "Llevo así desde el {d}, quiero hablar con una persona de verdad que me resuelva lo del pedido {n}.",
    "Por favor, pásame con un agente, no quiero seguir hablando con una máquina de los {m} euros.",
    "¿Me pueden comunicar con un asesor? Esto de {c} es demasiado complicado para explicarlo por aquí.", NULL};
static const char *const es_handoff[] = {
    "Claro, {a}. Te paso con un compañero del equipo de atención que revisará el caso {n} contigo en unos minutos.",
    "Entendido, ahora mismo te transfiero con un agente. El tiempo de espera aproximado en {c} es de pocos minutos.",
    NULL};
static const char *const es_nobody[] = {"En este momento no hay agentes disponibles; el horario de atención es de "
                                        "lunes a viernes hasta las {h}. Inténtalo más tarde.",
                                        NULL};
static const char *const es_agent[] = {
    "Hola, soy {a}, del equipo de atención al cliente. Ya veo el caso {n}, dame un momento para revisarlo con el "
    "almacén de {c}.",
    "He dejado anotada la devolución de {m} euros y te llegará un justificante el {d}. Siento mucho las molestias.",
    NULL};
static const char *const es_unsolved[] = {
    "Eso no me sirve, sigo sin poder entrar y ya van tres intentos desde las {h}.",
    "No es lo que pregunté, lo que necesito saber es cuándo me devuelven los {m} euros del pedido {n}.",
    "Sigue sin funcionar, el mismo error que antes con {p}.", NULL};
static const char *const es_closing[] = {
    "Perfecto, {a}, ya está registrado con la referencia {n}. ¿Te puedo ayudar en algo más con tu pedido o con tu "
    "cuenta?",
    "Listo, la gestión de {p} ha quedado completada y recibirás un correo de confirmación. ¿Necesitas algo más?", NULL};
static const char *const es_thanks[] = {"No, nada más. Muchas gracias por la ayuda con lo de {c}, quedó resuelto.",
                                        "Gracias, ya funciona todo correctamente 👍",
                                        "Muchas gracias, {a}, muy amable. Que tengas buen día.", NULL};
static const char *const es_csat[] = {
    "Antes de irte: del 1 al 5, ¿qué tan satisfecho estás con la atención recibida, siendo 5 muy satisfecho?", NULL};
static const char *const es_nps[] = {"Del 0 al 10, ¿qué probabilidad hay de que nos recomiendes a un amigo o familiar?",
                                     NULL};
static const char *const es_ces[] = {
    "Del 1 al 7, ¿cuánto esfuerzo te ha costado resolver tu consulta, siendo 1 muy poco esfuerzo y 7 mucho?", NULL};

static const char *const en_open[] = {
    "Hi there, I bought {p} on {d} and order {n} still has not arrived in {c}, could you tell me where it is?",
    "Good morning, I would like to cancel order {n} because I gave the wrong address and I no longer live in {c}.",
    "I was charged {m} dollars twice on my card for the same purchase on {d} and I need the money back please.",
    "I can't log in to my account since yesterday at {h}, I changed the password three times and it keeps failing.",
    "Could somebody explain why my bill went up to {m} dollars this month when my plan has been the same since {d}?",
    "The engineer was supposed to come to {c} on {d} at {h} and nobody showed up, they did not even call.",
    "Which documents do I need to open a savings account at the branch in {c}? I have been a customer for years.",
    "{p} arrived but the box was open and the charger is missing, the order number is {n}.",
    "I need to move my appointment from {d} at {h} to some day next week, in the afternoon if possible.",
    "The power went out in my street in {c} at {h} and meter {n} is still off, is there an outage in the area?",
    "I want to return {p}, it is not the size I ordered, and get the {m} dollars refunded to the same card.",
    NULL};
static const char *const en_detail[] = {
    "My name is {a} and the reference number is {n}, I have the confirmation email of {d} right here.",
    "Yes, it is the address in {c}, the same I used the last time I ordered {p}.",
    "I already tried that at {h} and I get the same message, and the app closes by itself after that.",
    "The exact amount is {m} dollars and it was charged on {d} late in the evening according to my bank.",
    "And how long does that take, more or less? I am travelling on {d} and need it before then.",
    "ok, it's {n}",
    "all right, then I will wait for the confirmation from {c}",
    NULL};
static const char *const en_answer[] = {
    "I found your order {n}: it left our warehouse in {c} on {d} and should be delivered to you before {h}.",
    "To process the refund of {m} dollars I need you to confirm the order number and the last four digits of the card.",
    "Your bill of {d} includes a charge for additional services of {m} dollars that was activated in the app.",
    "Your appointment is booked for {d} at {h} in {c}. You will get a text message with the code {n} to confirm it.",
    "Thank you for the details, {a}. According to our system {p} is available and can be exchanged free of charge for "
    "thirty days.",
    "To recover access, open the start page, choose change password and enter the code that we sent to you at {h}.",
    "There is an open incident in {c} with reference {n}; the technical team expects it to be solved by {h}.",
    NULL};
static const char *const en_offer[] = {"",
                                       " You can follow the status in your customer area or in the app.",
                                       " We will send you a message as soon as anything changes.",
                                       " Is this information correct?",
                                       " I can also send it to you by email if you prefer.",
                                       NULL};
static const char *const en_fallback[] = {
    "Sorry, I didn't understand that. Could you rephrase it or choose one of the options in the help menu below?",
    "I'm not sure I understand your message. Try to say in a few words what you need, for example track an order.",
    NULL};
static const char *const en_human[] = {
    "I have been at this since {d}, I want to talk to a real person who can fix order {n} for me.",
    "Please connect me with an agent, I don't want to keep talking to a machine about {m} dollars.", NULL};
static const char *const en_handoff[] = {"Of course, {a}. I'm transferring you to a colleague of the support team who "
                                         "will go through case {n} with you shortly.",
                                         NULL};
static const char *const en_nobody[] = {"There are no agents available at the moment; our opening hours are Monday to "
                                        "Friday until {h}. Please try again later.",
                                        NULL};
static const char *const en_agent[] = {"Hello, this is {a} from customer support. I can see case {n} here, give me a "
                                       "moment to check it with our warehouse in {c}.",
                                       "I have registered the refund of {m} dollars and you will receive a receipt on "
                                       "{d}. I'm really sorry for the trouble.",
                                       NULL};
static const char *const en_unsolved[] = {
    "That doesn't help, I still can't get in and this is the third time I try since {h}.",
    "That is not what I asked, I need to know when I will get the {m} dollars of order {n} back.", NULL};
static const char *const en_closing[] = {
    "All done, {a}, it is registered under reference {n}. Is there anything else I can help you with today?", NULL};
static const char *const en_thanks[] = {
    "No, that's all. Thank you very much for your help with the order in {c}, it is solved now.",
    "Thanks, everything works now 👍", NULL};
static const char *const en_csat[] = {
    "Before you go: on a scale from 1 to 5, how satisfied are you with the service you received today?", NULL};
static const char *const en_nps[] = {
    "On a scale from 0 to 10, how likely are you to recommend us to a friend or colleague?", NULL};
static const char *const en_ces[] = {
    "From 1 to 7, how much effort did it take you to solve your question, where 1 is very little and 7 a lot?", NULL};

static const char *const pt_open[] = {
    "Olá, comprei {p} no dia {d} e o pedido {n} ainda não chegou em {c}, vocês podem me dizer onde está?",
    "Bom dia, quero cancelar o pedido {n} porque errei o endereço e não moro mais em {c}.",
    "Cobraram {m} reais duas vezes no meu cartão pela mesma compra do dia {d}, preciso do dinheiro de volta.",
    "Não consigo entrar na minha conta desde ontem às {h}, já troquei a senha três vezes e continua dando erro.",
    "Gostaria de saber por que a minha fatura deste mês subiu para {m} reais se não mudei de plano desde {d}.",
    "Acabou a luz na minha rua em {c} às {h} e o medidor {n} continua desligado, tem alguma falha na região?",
    NULL};
static const char *const pt_detail[] = {
    "Meu nome é {a} e o número de referência é {n}, estou com o e-mail de confirmação do dia {d} aqui.",
    "Sim, é o endereço de {c}, o mesmo que usei na compra anterior de {p}.",
    "Já tentei isso às {h} e aparece o mesmo aviso, além disso o aplicativo fecha sozinho.",
    "E quanto tempo demora mais ou menos? Vou viajar no dia {d} e preciso antes dessa data.", NULL};
static const char *const pt_answer[] = {
    "Encontrei o seu pedido {n}: ele saiu do depósito de {c} no dia {d} e a entrega está prevista até as {h}.",
    "Para processar o reembolso de {m} reais preciso que você confirme o número do pedido e os quatro últimos dígitos "
    "do cartão.",
    "A sua fatura do dia {d} inclui uma cobrança de serviços adicionais de {m} reais que foi ativada pelo aplicativo.",
    "Obrigada pelas informações, {a}. De acordo com o nosso sistema, {p} está disponível e pode ser trocado sem custo "
    "por trinta dias.",
    NULL};
static const char *const pt_offer[] = {"", " Você pode acompanhar o andamento na sua área do cliente.",
                                       " Avisaremos por mensagem assim que algo mudar.", NULL};
static const char *const pt_fallback[] = {"Desculpe, não entendi a sua mensagem. Você pode explicar com outras "
                                          "palavras ou escolher uma das opções do menu de ajuda?",
                                          NULL};
static const char *const pt_human[] = {
    "Estou nisso desde o dia {d}, quero falar com uma pessoa de verdade que resolva o pedido {n}.",
    "Por favor, me passa para um atendente, não quero continuar falando com um robô sobre os {m} reais.", NULL};
static const char *const pt_handoff[] = {"Claro, {a}. Vou transferir você para um colega da equipe de atendimento que "
                                         "vai olhar o caso {n} com você em instantes.",
                                         NULL};
static const char *const pt_nobody[] = {"No momento não há atendentes disponíveis; o horário de atendimento é de "
                                        "segunda a sexta até as {h}. Tente mais tarde.",
                                        NULL};
static const char *const pt_agent[] = {
    "Olá, aqui é {a}, da equipe de atendimento. Já estou vendo o caso {n}, me dê um momento para conferir com o "
    "depósito de {c}.",
    "Registrei a devolução de {m} reais e você vai receber um comprovante no dia {d}. Sinto muito pelo transtorno.",
    NULL};
static const char *const pt_unsolved[] = {
    "Isso não me ajuda, continuo sem conseguir entrar e já é a terceira tentativa desde as {h}.",
    "Não foi isso que perguntei, preciso saber quando devolvem os {m} reais do pedido {n}.", NULL};
static const char *const pt_closing[] = {
    "Pronto, {a}, ficou registrado com a referência {n}. Posso ajudar em mais alguma coisa hoje?", NULL};
static const char *const pt_thanks[] = {
    "Não, era só isso. Muito obrigado pela ajuda com o pedido de {c}, ficou resolvido.",
    "Obrigada, agora está tudo funcionando 👍", NULL};
static const char *const pt_csat[] = {
    "Antes de sair: de 1 a 5, qual é o seu nível de satisfação com o atendimento recebido hoje?", NULL};
static const char *const pt_nps[] = {"De 0 a 10, qual a probabilidade de você nos recomendar a um amigo ou familiar?",
                                     NULL};
static const char *const pt_ces[] = {
    "De 1 a 7, quanto esforço você precisou fazer para resolver a sua dúvida, sendo 1 muito pouco e 7 muito?", NULL};

/* NOLINTEND(bugprone-suspicious-missing-comma) */

static const char *const *const phrases[PHRASE_LANGUAGES][SAY_KIND_COUNT] = {
    {es_open, es_detail, es_answer, es_offer, es_fallback, es_human, es_handoff, es_nobody, es_agent, es_unsolved,
     es_closing, es_thanks, es_csat, es_nps, es_ces},
    {en_open, en_detail, en_answer, en_offer, en_fallback, en_human, en_handoff, en_nobody, en_agent, en_unsolved,
     en_closing, en_thanks, en_csat, en_nps, en_ces},
    {pt_open, pt_detail, pt_answer, pt_offer, pt_fallback, pt_human, pt_handoff, pt_nobody, pt_agent, pt_unsolved,
     pt_closing, pt_thanks, pt_csat, pt_nps, pt_ces},
};

static const char *const phrase_products[] = {
    "unas zapatillas de montaña", "una lavadora de ocho kilos", "el teléfono nuevo",       "a coffee machine",
    "the garden chairs",          "a pair of running shoes",    "uma geladeira branca",    "o fone de ouvido",
    "una mochila azul",           "the \"family\" plan",        "a bicicleta infantil",    "un reloj inteligente",
    "la impresora láser",         "a wireless keyboard",        "um sofá de três lugares", NULL};
static const char *const phrase_cities[] = {"Zaragoza",   "Córdoba",   "Medellín", "Guadalajara", "Lima",    "Rosario",
                                            "Quito",      "Austin",    "Leeds",    "Bristol",     "Denver",  "Toronto",
                                            "Campinas",   "São Paulo", "Recife",   "Porto",       "Coimbra", "Sevilla",
                                            "Valparaíso", "Mérida",    NULL};
static const char *const phrase_names[] = {"Ana",   "Luis",    "María",  "José",  "Carmen", "Diego", "Lucía",
                                           "Marta", "Emily",   "James",  "Grace", "Oliver", "Noah",  "Chloe",
                                           "João",  "Beatriz", "Rafael", "Inês",  "Thiago", NULL};

#endif
