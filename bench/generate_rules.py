#!/usr/bin/env python3
"""Writes N classification rules as convtap reads them and, the same regular expressions, as a plain list for the others.

  generate_rules.py N FOLDER [--core FILE]
      FOLDER/pack/bench.yaml   a pack that extends core, each rule with its tests; FOLDER/pack/core.yaml beside it (a copy)
      FOLDER/rules.json        [{"id", "role" or null, "emits", "pattern", "literals"}...]: one of the literals, where there are
                               any, stands in every text that the pattern matches

The rules are what support teams write: alternations of verbs and of things with up to a few words between them, in Spanish,
English and Portuguese, on folded text (lower case, no accents). Only syntax that PCRE2, RE2, Python, Perl and Oniguruma read alike:
groups, alternations, \\b, \\w, \\W, \\s and bounded repeats. The first 24 carry the meanings that KPIs need; the rest are topics.
Deterministic: the same N gives the same bytes.
"""
import json
import os
import shutil
import sys

# (id, abstract rule of core, role, signal, pattern, an example)
MEANINGS = [
    ("es.human", "human_request", "user", "user.human_request",
     r"\b(?:hablar|comunicar(?:me)?|pasa(?:r)?me|contactar)\s+(?:\w+\s+){0,2}(?:persona|humano|agente|asesor|operador)\b", "quiero hablar con una persona por favor"),
    ("en.human", "human_request", "user", "user.human_request",
     r"\b(?:talk|speak|connect\s+me)\s+(?:\w+\s+){0,3}(?:person|human|agent|representative|operator)\b", "i want to talk to a real person please"),
    ("pt.human", "human_request", "user", "user.human_request",
     r"\b(?:falar|me\s+passa|me\s+transfere)\s+(?:\w+\s+){0,3}(?:pessoa|humano|atendente|operador)\b", "quero falar com uma pessoa por favor"),
    ("es.thanks", "thanks", "user", "user.thanks", r"\b(?:muchas\s+)?gracias\b", "muchas gracias por la ayuda"),
    ("en.thanks", "thanks", "user", "user.thanks", r"\b(?:thanks|thank\s+you|cheers)\b", "thank you for the help"),
    ("pt.thanks", "thanks", "user", "user.thanks", r"\b(?:muito\s+)?(?:obrigad[oa]|valeu)\b", "muito obrigada pela ajuda"),
    ("es.resolved", "resolved", "user", "user.resolved", r"\b(?:(?:ya\s+)?funciona\s+(?:todo|bien)|quedo\s+resuelto|ya\s+esta\s+solucionado)\b", "ya funciona todo por ahora"),
    ("en.resolved", "resolved", "user", "user.resolved", r"\b(?:(?:everything|it)\s+works\s+(?:now|again|fine)|is\s+(?:solved|fixed)\s+now)\b", "everything works now for me"),
    ("pt.resolved", "resolved", "user", "user.resolved", r"\b(?:(?:esta|agora)\s+(?:\w+\s+){0,2}funcionando|ficou\s+resolvido)\b", "ficou resolvido por aqui"),
    ("es.unsolved", "not_resolved", "user", "user.not_resolved", r"\b(?:no\s+me\s+(?:sirve|ayuda)|sigue\s+sin\s+(?:funcionar|ir)|sigo\s+sin\s+(?:poder|acceso))\b", "eso no me sirve de nada"),
    ("en.unsolved", "not_resolved", "user", "user.not_resolved", r"\b(?:(?:does\s+not|doesn't)\s+(?:help|work)|still\s+(?:can't|cannot|not)\s+\w+)\b", "this doesn't help me at all"),
    ("pt.unsolved", "not_resolved", "user", "user.not_resolved", r"\b(?:nao\s+(?:me\s+)?(?:ajuda|adianta)|continuo\s+sem\s+(?:conseguir|acesso))\b", "isso nao me ajuda em nada"),
    ("es.wrong", "wrong_answer", "user", "user.wrong_answer", r"\bno\s+es\s+(?:eso\s+)?lo\s+que\s+(?:pregunte|pedi|necesito)\b", "no es lo que pregunte antes"),
    ("en.wrong", "wrong_answer", "user", "user.wrong_answer", r"\bnot\s+what\s+i\s+(?:asked|meant|need)\b", "that is not what i asked before"),
    ("pt.wrong", "wrong_answer", "user", "user.wrong_answer", r"\bnao\s+foi\s+isso\s+que\s+(?:perguntei|pedi)\b", "nao foi isso que perguntei antes"),
    ("es.fallback", "fallback", "bot", "bot.fallback", r"\bno\s+(?:te\s+|le\s+|lo\s+)?he\s+(?:entendido|comprendido)\b", "perdona no te he entendido bien"),
    ("en.fallback", "fallback", "bot", "bot.fallback", r"\b(?:didn't|did\s+not|not\s+sure\s+i)\s+understand\b", "sorry i didn't understand that one"),
    ("pt.fallback", "fallback", "bot", "bot.fallback", r"\bnao\s+(?:consegui\s+)?(?:entendi|compreendi|entender)\b", "desculpe nao entendi a mensagem"),
    ("es.closing", "closing_question", "bot", "bot.closing_question", r"\b(?:ayudar|necesitas?|ayudo)\s+(?:en|con)?\s*algo\s+mas\b", "te puedo ayudar en algo mas hoy"),
    ("en.closing", "closing_question", "bot", "bot.closing_question", r"\banything\s+else\s+(?:i|we)\s+can\s+(?:help|do)\b", "is there anything else i can help with"),
    ("pt.closing", "closing_question", "bot", "bot.closing_question", r"\bajudar\s+(?:em|com)\s+mais\s+alguma\s+coisa\b", "posso ajudar em mais alguma coisa hoje"),
    ("es.handoff", "handoff", "bot", "bot.handoff", r"\bte\s+(?:paso|transfiero|comunico)\s+(?:\w+\s+){0,2}con\s+(?:un|una)\s+(?:companero|agente|asesor)\b", "te paso con un agente ahora"),
    ("en.handoff", "handoff", "bot", "bot.handoff", r"\btransferring\s+you\s+to\s+(?:a|an)\s+(?:\w+\s+)?(?:colleague|agent|representative)\b", "i'm transferring you to an agent now"),
    ("pt.handoff", "handoff", "bot", "bot.handoff", r"\btransferir\s+voce\s+para\s+(?:um|uma)\s+(?:colega|atendente|agente)\b", "vou transferir voce para um atendente agora"),
]

# Words of the topics, folded: groups of verbs and of things, by language.
VERBS = {
    "es": ["cancelar|anular|dar de baja", "cambiar|modificar|actualizar", "devolver|retornar", "reembolsar|reintegrar|devolucion", "consultar|revisar|comprobar",
           "pagar|abonar|liquidar", "activar|habilitar|encender", "bloquear|desactivar|suspender", "contratar|solicitar|pedir", "recuperar|restablecer|recordar",
           "reclamar|denunciar|protestar", "descargar|imprimir|obtener", "enviar|mandar|remitir", "recibir|recoger|retirar", "transferir|traspasar|girar",
           "instalar|configurar|montar", "reparar|arreglar|solucionar", "ampliar|aumentar|subir", "reducir|bajar|rebajar", "renovar|prorrogar|extender",
           "reservar|agendar|programar", "aplazar|posponer|retrasar", "vincular|asociar|conectar", "verificar|validar|confirmar", "comparar|elegir|escoger"],
    "en": ["cancel|terminate|drop", "change|modify|update", "return|send back", "refund|reimburse|pay back", "check|review|look up", "pay|settle|clear",
           "activate|enable|switch on", "block|disable|suspend", "order|request|apply for", "recover|reset|restore", "complain|dispute|report", "download|print|obtain",
           "send|ship|dispatch", "receive|collect|pick up", "transfer|move|wire", "install|configure|set up", "repair|fix|mend", "upgrade|increase|raise",
           "reduce|lower|decrease", "renew|extend|prolong", "book|schedule|reserve", "postpone|delay|reschedule", "link|attach|connect", "verify|validate|confirm",
           "compare|choose|select"],
    "pt": ["cancelar|anular|encerrar", "alterar|trocar|atualizar", "devolver|retornar", "reembolsar|estornar|ressarcir", "consultar|conferir|verificar", "pagar|quitar|liquidar",
           "ativar|habilitar|ligar", "bloquear|desativar|suspender", "contratar|solicitar|pedir", "recuperar|redefinir|lembrar", "reclamar|denunciar|contestar",
           "baixar|imprimir|obter", "enviar|mandar|remeter", "receber|buscar|retirar", "transferir|mover|passar", "instalar|configurar|montar",
           "consertar|arrumar|reparar", "ampliar|aumentar|subir", "reduzir|diminuir|baixar", "renovar|prorrogar|estender", "reservar|agendar|marcar",
           "adiar|remarcar|atrasar", "vincular|associar|conectar", "validar|confirmar|aprovar", "comparar|escolher|selecionar"],
}
THINGS = {
    "es": ["pedido|orden|compra", "factura|recibo|boleta", "cuenta|usuario|perfil", "tarjeta|plastico", "contrasena|clave|pin", "direccion|domicilio", "cita|visita|turno",
           "contrato|poliza|acuerdo", "tarifa|plan|paquete", "suscripcion|abono|membresia", "transferencia|giro|deposito", "prestamo|credito|hipoteca", "medidor|contador",
           "router|modem|antena", "linea|numero|telefono", "maleta|equipaje|valija", "vuelo|billete|pasaje", "hotel|habitacion|reserva", "garantia|cobertura", "cupon|descuento|promocion",
           "envio|paquete|entrega", "producto|articulo", "talla|color|modelo", "cargo|cobro|comision", "movimiento|saldo|extracto", "certificado|comprobante|justificante",
           "documento|pasaporte|licencia", "correo|email|buzon", "aplicacion|app|web", "tienda|sucursal|oficina", "averia|incidencia|fallo", "consumo|lectura", "seguro|siniestro",
           "cheque|talon", "cajero|terminal", "inversion|fondo|accion", "nomina|salario|pension", "multa|recargo|penalizacion", "alarma|sensor|camara", "televisor|decodificador"],
    "en": ["order|purchase", "invoice|bill|receipt", "account|profile|login", "card|debit card", "password|passcode|pin", "address|postcode", "appointment|visit|slot",
           "contract|policy|agreement", "rate|plan|bundle", "subscription|membership", "transfer|deposit|remittance", "loan|credit|mortgage", "meter|gauge", "router|modem|antenna",
           "line|number|phone", "luggage|suitcase|bag", "flight|ticket|boarding pass", "hotel|room|reservation", "warranty|coverage", "coupon|discount|voucher",
           "shipment|parcel|delivery", "product|item", "size|colour|model", "charge|fee|commission", "balance|statement", "certificate|proof of payment", "document|passport|licence",
           "email|inbox|mailbox", "application|app|website", "store|branch|office", "outage|incident|fault", "usage|consumption|reading", "insurance|claim", "cheque|money order",
           "cash machine|terminal", "investment|fund|share", "payroll|salary|pension", "fine|surcharge|penalty", "alarm|sensor|camera", "television|set-top box"],
    "pt": ["pedido|encomenda|compra", "fatura|boleto|recibo", "conta|usuario|perfil", "cartao|debito", "senha|codigo|pin", "endereco|cep", "agendamento|visita|horario",
           "contrato|apolice|acordo", "tarifa|plano|pacote", "assinatura|mensalidade", "transferencia|pix|deposito", "emprestimo|credito|financiamento", "medidor|relogio",
           "roteador|modem|antena", "linha|numero|telefone", "mala|bagagem", "voo|passagem|bilhete", "hotel|quarto|reserva", "garantia|cobertura", "cupom|desconto|promocao",
           "envio|remessa|entrega", "produto|artigo|item", "tamanho|cor|modelo", "cobranca|taxa|comissao", "saldo|extrato", "certificado|comprovante", "documento|passaporte|habilitacao",
           "correio|email|caixa postal", "aplicativo|app|site", "loja|agencia|filial", "falha|incidente|pane", "consumo|leitura", "seguro|sinistro", "cheque|vale",
           "caixa eletronico|terminal", "investimento|fundo|acao", "salario|holerite|aposentadoria", "multa|acrescimo|penalidade", "alarme|sensor|camera", "televisor|decodificador"],
}
LANGUAGES = ("es", "en", "pt")
FAR = "la lluvia cae y nadie dice nada sobre ello"  # no rule speaks of this


def spaced(words):
    return "(?:" + "|".join(w.replace(" ", r"\s+") for w in words.split("|")) + ")"


def topics():
    """(id, pattern, example, words of which one must stand there): languages in turn, three shapes of rule in turn."""
    number = 0
    for step in range(len(VERBS["es"]) * len(THINGS["es"])):
        for language in LANGUAGES:
            # A walk that meets every pair of verbs and things once and mixes early.
            verb_at = step % 25
            thing_at = (step // 25 + verb_at * 7) % 40
            verbs, things = VERBS[language][verb_at], THINGS[language][thing_at]
            verb, thing = verbs.split("|")[0], things.split("|")[-1]
            shape = (number + step) % 3
            if shape == 0:
                pattern = rf"\b{spaced(verbs)}\s+(?:\w+\s+){{0,3}}{spaced(things)}\b"
                example = f"{verb} xx {thing} zz"
            elif shape == 1:
                pattern = rf"\b{spaced(things)}s?\b(?:\W+\w+){{0,4}}?\W+{spaced(verbs)}\b"
                example = f"{thing} xx, xx {verb} zz"
            else:
                pattern = rf"\b{spaced(verbs)}\s+(?:\w+\s+){{0,2}}{spaced(things)}s?\b"
                example = f"xx {verb} {thing} zz"
            yield f"{language}.topic{number:04d}", pattern, example, [max(w.split(), key=len) for w in things.split("|")]
            number += 1


def all_rules(count):
    rules = []
    for name, abstract, role, signal, pattern, example in MEANINGS[:count]:
        rules.append({"id": "bench." + name, "implements": abstract, "role": role, "emits": signal, "pattern": pattern, "example": example,
                      "literals": []})
    for name, pattern, example, literals in topics():
        if len(rules) >= count:
            break
        rules.append({"id": "bench." + name, "implements": None, "role": None, "emits": "bench." + name, "pattern": pattern, "example": example,
                      "literals": literals})
    if len(rules) < count:
        sys.exit(f"the vocabulary ends at {len(rules)} rules")
    return rules


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def pack(rules):
    out = ["# Made by bench/generate_rules.py; the same regular expressions go to the programs compared.",
           "pack: bench", "version: 1.0.0", "extends: core", "signals:"]
    own = [r for r in rules if not r["implements"]]
    if not own:
        out[-1] = "signals: {}"
    out += [f"  {r['emits']}: {{means: topic}}" for r in own]
    out.append("rules:")
    for rule in rules:
        out.append(f"  - id: {rule['id']}")
        out.append(f"    implements: {rule['implements']}" if rule["implements"] else f"    emit: {rule['emits']}")
        out.append(f"    any: [{quoted(rule['pattern'])}]")
        out.append(f"    tests: {{pos: [{quoted(rule['example'])}], neg: [{quoted(FAR)}]}}")
    return "\n".join(out) + "\n"


def main():
    args = sys.argv[1:]
    default = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "rules", "core.yaml")
    source = args[args.index("--core") + 1] if "--core" in args else default
    if len(args) < 2 or not args[0].isdigit():
        sys.exit(__doc__)
    count, folder = int(args[0]), args[1]
    os.makedirs(os.path.join(folder, "pack"), exist_ok=True)
    rules = all_rules(count)
    with open(os.path.join(folder, "pack", "bench.yaml"), "w", encoding="utf-8") as f:
        f.write(pack(rules))
    shutil.copyfile(source, os.path.join(folder, "pack", "core.yaml"))
    with open(os.path.join(folder, "rules.json"), "w", encoding="utf-8") as f:
        json.dump([{k: r[k] for k in ("id", "role", "emits", "pattern", "literals")} for r in rules], f, indent=0)
        f.write("\n")


main()
