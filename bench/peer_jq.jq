# The benchmark's job in jq. Called by bench/run: jq -n --slurpfile rules RULES.json -f peer_jq.jq INPUT
# jq compiles an expression at every use, and has no folding of accents: the table below does it for the letters that occur.
def accents: {"225":97,"224":97,"226":97,"227":97,"228":97,"233":101,"232":101,"234":101,"237":105,"236":105,"243":111,"242":111,"244":111,"245":111,
  "250":117,"252":117,"241":110,"231":99,"193":97,"192":97,"194":97,"195":97,"201":101,"202":101,"205":105,"211":111,"212":111,"213":111,"218":117,"209":110,"199":99};
accents as $accents | $rules[0] as $rules |
reduce inputs as $m ({seen: {}, channels: {}, hits: ($rules | map({(.id): 0}) | add), fallbacks: 0, cost: 0, answers: 0, waited: 0};
  $m.conversation_id as $id
  | (if .seen[$id] then . else .seen[$id] = {person: false, asked: false, good: 0, bad: 0, at: 0, role: ""} | .channels[$m.channel] += 1 end)
  | ($m.ts | (.[0:19] + "Z" | fromdateiso8601) + (.[19:23] | tonumber)) as $at
  | ($m.text | ascii_downcase | explode | map($accents[tostring] // .) | implode) as $text
  | reduce ($rules[] | select((.role == null or .role == $m.role) and (.pattern as $p | $text | test($p)))) as $rule (.;
      .hits[$rule.id] += 1
      | if $rule.emits == "user.human_request" then .seen[$id].asked = true
        elif $rule.emits == "user.thanks" or $rule.emits == "user.resolved" then .seen[$id].good = $at
        elif $rule.emits == "user.not_resolved" or $rule.emits == "user.wrong_answer" then .seen[$id].bad = $at
        elif $rule.emits == "bot.fallback" then .fallbacks += 1 else . end)
  | (if $m.role == "agent" or ($m.event.type == "handoff" and ($m.event.phase // "accepted") == "accepted")
        or ([$m.tool_calls[]?.name | startswith("transfer_to_human")] | any) then .seen[$id].person = true else . end)
  | (if $m.cost then .cost += ($m.cost.amount | tonumber * 1e7 + 0.5 | floor) else . end)
  | (if $m.role == "bot" and .seen[$id].role == "user" then .answers += 1 | .waited += $at - .seen[$id].at else . end)
  | .seen[$id].at = $at | .seen[$id].role = $m.role)
| {conversations: (.seen | length), escalated: ([.seen[] | select(.person)] | length), asked: ([.seen[] | select(.asked)] | length),
   resolved: ([.seen[] | select((.person | not) and .good > .bad)] | length), fallbacks, cost: (.cost / 1e7 | tostring), channels, answers,
   response_s: (if .answers > 0 then .waited / .answers else null end), hits}
