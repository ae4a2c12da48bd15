-- MARS (Mandarine Academy, videos on Office 365; Harvard Dataverse, doi:10.7910/DVN/BMY3UD),
-- English part, as raw tables of this project. Reads items, users, views and watches as Parquet
-- files from the folder in the variable `mars`, writes one Parquet file per raw table into the
-- folder in the variable `raw`. Never used: nb_views (a total up to the day of collection: it knows
-- the future), rating (a function of the watch share).

create temp view items as
select * replace (
    cast(job as varchar[]) as job,
    cast(software as varchar[]) as software,
    cast(theme as varchar[]) as theme
)
from read_parquet(getvariable('mars') || '/items.parquet');

create temp view users as from read_parquet(getvariable('mars') || '/users.parquet');
create temp view views as from read_parquet(getvariable('mars') || '/views.parquet');
create temp view watches as from read_parquet(getvariable('mars') || '/watches.parquet');

-- Jobs come in French and in English, in lower case. What is listed gets this spelling, the rest a
-- capital letter. They are functions rather than titles; they fill both columns, since titles are
-- shown and functions are a feature.
create temp table job_spellings as
from (values
    ('achats', 'Purchasing'),
    ('administratif', 'Administrative'),
    ('commercial', 'Sales'),
    ('comptabilité', 'Accounting'),
    ('conseil', 'Consulting'),
    ('direction générale', 'General management'),
    ('finance & risque et assurance', 'Finance, risk and insurance'),
    ('it', 'IT'),
    ('juridique', 'Legal'),
    ('marketing produit & service', 'Product and service marketing'),
    ('product & service marketing', 'Product and service marketing'),
    ('production & logistique', 'Production and logistics'),
    ('recherche et développement', 'Research and development'),
    ('ressources humaines', 'Human resources'),
    ('sales representative', 'Sales'),
) as spellings (job, spelling);

copy (
    select
        users.user_id as member_id,
        coalesce(spellings.spelling, upper(users.job[1]) || users.job[2:]) as title,
        coalesce(spellings.spelling, upper(users.job[1]) || users.job[2:]) as function
    from (select user_id, nullif(job, 'N/A') as job from users) as users
    left join job_spellings as spellings using (job)
    order by member_id
) to (getvariable('raw') || '/members.parquet');

-- Of a release only the year is known. Numbers were given in order of time, so a video was there
-- when it or one with a higher number was first seen; the month of that day, so that the date does
-- not give away the first view itself. Videos above the last number ever seen are the newest.
copy (
    with first_events as (
        select item_id, min(cast(created_at as date)) as first_date
        from (
            select item_id, created_at from views
            union all
            select item_id, created_at from watches
        )
        group by item_id
    ),

    numbered as (
        select
            items.*,
            coalesce(
                min(first_events.first_date) over (order by items.item_id desc),
                (select cast(max(created_at) as date) from views)
            ) as latest_release
        from items
        left join first_events using (item_id)
    )

    select
        item_id as course_id,
        trim(name) as title,
        difficulty as difficulty,
        duration as duration_seconds,
        language,
        least(
            cast(date_trunc('month', latest_release) as date),
            make_date(created_at, 12, 1)
        ) as released_date
    from numbered
    order by course_id
) to (getvariable('raw') || '/courses.parquet');

-- Lines of the subtitles were joined without a space. Only "documents.As" can be split safely:
-- between small and capital letters stand names such as OneDrive, "Businessis" shows no seam.
copy (
    select
        item_id as course_id,
        regexp_replace(description, '([a-z)][.,:;!?])([A-Z])', '\1 \2', 'g') as transcript
    from items
    where trim(description) <> ''
    order by course_id
) to (getvariable('raw') || '/course_transcripts.parquet');

-- Skills are the products. Themes ("Produce", "Discover") do not read as skills in a reason; they
-- become categories.
create temp table skills as
select row_number() over (order by name) as skill_id, name
from (select distinct unnest(software) as name from items);

copy (from skills order by skill_id) to (getvariable('raw') || '/skills.parquet');

-- Videos carry their own tags: verdicts on course and skill, and no skill by way of a category.
copy (
    select distinct tags.course_id, skills.skill_id, 'add' as verdict
    from (select item_id as course_id, unnest(software) as name from items) as tags
    inner join skills using (name)
    order by course_id, skill_id
) to (getvariable('raw') || '/course_skill_curation.parquet');

-- Other names people write; an alias may stand for several skills.
copy (
    select distinct alias, skill_id
    from (
        select unnest(['Microsoft ' || name, 'MS ' || name]) as alias, skill_id
        from skills
        where name not like 'Microsoft %'
            and name not in ('LetSignit', 'Salestim', 'Skype VS Teams')
        union all
        select named.alias, skills.skill_id
        from (values
            ('Teams', 'Microsoft Teams'),
            ('MS Teams', 'Microsoft Teams'),
            ('Lists', 'Microsoft Lists'),
            ('Edge', 'Microsoft Edge Chromium'),
            ('Microsoft Edge', 'Microsoft Edge Chromium'),
            ('Microsoft To-Do', 'To Do'),
            ('OneDrive for Business', 'OneDrive'),
            ('Outlook on the web', 'Outlook Online'),
            ('Outlook Web App', 'Outlook Online'),
            ('Power Apps', 'PowerApps'),
            ('Power Automate', 'Flow'),
            ('Microsoft Shifts', 'Shift'),
            ('Skype', 'Skype for Business'),
            ('Skype', 'Skype Voice & Devices'),
            ('Lync', 'Skype for Business'),
            ('SharePoint', 'SharePoint (Classic Sites)'),
            ('SharePoint', 'SharePoint (Modern Sites)'),
            ('SharePoint Online', 'SharePoint (Modern Sites)'),
        ) as named (alias, name)
        inner join skills using (name)
    )
    order by alias, skill_id
) to (getvariable('raw') || '/skill_aliases.parquet');

create temp table tagged_items as
select item_id, 'Theme' as area, unnest(theme) as name
from items
union
select item_id, 'Job' as area, replace(tag, 'Project management', 'Project manager') as name
from (select item_id, unnest(job) as tag from items)
union
select item_id, 'Format' as area, upper(type[1]) || replace(type[2:], '_', ' ') as name
from items;

create temp table categories as
select row_number() over (order by area, name) as category_id, name, area
from (select distinct area, name from tagged_items);

copy (from categories order by category_id) to (getvariable('raw') || '/categories.parquet');

copy (
    select tagged_items.item_id as course_id, categories.category_id
    from tagged_items
    inner join categories using (area, name)
    order by course_id, category_id
) to (getvariable('raw') || '/course_categories.parquet');

-- Views and watches are written twice now and then. A watch of nothing is no positive action.
copy (
    select distinct
        user_id as member_id,
        item_id as course_id,
        'click' as action,
        created_at as engaged_at,
        null as watch_seconds
    from views
    union all
    select
        watches.user_id as member_id,
        watches.item_id as course_id,
        'watch' as action,
        watches.created_at as engaged_at,
        max(watches.watch_percentage) / 100 * any_value(items.duration) as watch_seconds
    from watches
    inner join items using (item_id)
    where watches.watch_percentage > 0
    group by watches.user_id, watches.item_id, watches.created_at
    order by engaged_at, member_id, course_id, action
) to (getvariable('raw') || '/engagements.parquet');
