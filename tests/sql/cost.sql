-- cost.sql - what it costs, by currency: the costs that the source states (no cost model), in billionths.

--: cost_per_interaction keyed
SELECT currency, sum(cost), count(*) FROM engaged WHERE cost IS NOT NULL GROUP BY 1;
--: cost_per_interaction.ai keyed
SELECT currency, sum(cost), count(*) FROM engaged WHERE cost IS NOT NULL AND ai_wrote GROUP BY 1;
--: cost_per_interaction.resolved keyed
SELECT currency, sum(cost), sum(resolved = 1 AND NOT escalated) FROM engaged WHERE cost IS NOT NULL GROUP BY 1;
--: cost_per_interaction.confirmed keyed
SELECT currency, sum(cost), sum(resolved = 1 AND NOT escalated AND outcome <> 'resolved_implied') FROM engaged WHERE cost IS NOT NULL GROUP BY 1;
--: cost_per_interaction.durable keyed
SELECT currency, sum(cost), sum(resolved = 1 AND NOT escalated AND coalesce(next_us > 7 * 86400000000, 1))
FROM engaged WHERE cost IS NOT NULL AND known AND age_us >= 7 * 86400000000 GROUP BY 1;
--: cost_per_interaction.total keyed sum
SELECT currency, sum(cost) FROM engaged WHERE cost IS NOT NULL GROUP BY 1;
--: cost_per_interaction.source keyed sum
SELECT currency, sum(cost_source) FROM engaged WHERE cost IS NOT NULL GROUP BY 1;
