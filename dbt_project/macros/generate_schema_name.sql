{#- A custom schema is taken as it is written, so that the marts stand in `marts` for everybody. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
