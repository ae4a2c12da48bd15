"""m105_blend: m105_history, its trees and item_item together."""

from relevance.learning import fit_variant


def model(dbt, session):
    parts = [dbt.ref("m105_history"), dbt.ref("m105_trees"), dbt.ref("item_item")]
    return fit_variant(dbt.this, session, dbt.ref("variants"), dbt.ref("training_rows"), *parts)
