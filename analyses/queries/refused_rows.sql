-- Rows of the raw tables that break the contract, by table and reason; a line without a reason is a table without any
select tables.table_name, refused.column_name, refused.reason, count(refused.table_name) as rows, min(refused.row_key) as example_key
from (
    select distinct table_name
    from staging.raw_contract
) as tables
left join staging.quarantine as refused using (table_name)
group by tables.table_name, refused.column_name, refused.reason
order by rows desc, tables.table_name, refused.reason
