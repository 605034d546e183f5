"""The chat families once more, as programs for others: Jinja for Transformers and llama.cpp, Go templates for Ollama.

They write what `chat.render_chat` writes, to the letter; tests compare them.
"""

_TURNS = "{% for message in messages %}"
_ANSWER = "{% endfor %}{% if add_generation_prompt %}"

JINJA = {
    "chatml": _TURNS + "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    + _ANSWER + "{{ '<|im_start|>assistant\\n' }}{% endif %}",
    "llama-3": "{{ '<|begin_of_text|>' }}" + _TURNS
    + "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] + '<|eot_id|>' }}"
    + _ANSWER + "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
    "gemma": "{{ '<bos>' }}{% set seen = namespace(system='') %}" + _TURNS
    + "{% if message['role'] == 'system' %}"
    + "{% set seen.system = seen.system + ('\\n\\n' if seen.system else '') + message['content'] %}"
    + "{% else %}{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\\n'"
    + " + (seen.system + '\\n\\n' if seen.system else '') + message['content'] + '<end_of_turn>\\n' }}"
    + "{% set seen.system = '' %}{% endif %}" + _ANSWER + "{{ '<start_of_turn>model\\n' }}{% endif %}",
    "phi-3": _TURNS + "{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}"
    + _ANSWER + "{{ '<|assistant|>\\n' }}{% endif %}",
    "plain": _TURNS + "{{ message['content'] + '\\n' }}{% endfor %}",
}  # fmt: skip

# Ollama puts the begin token in front itself, where the GGUF file asks for one.
OLLAMA = {
    "chatml": "{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n",
    "llama-3": "{{ range .Messages }}<|start_header_id|>{{ .Role }}<|end_header_id|>\n\n{{ .Content }}<|eot_id|>{{ end }}"
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "gemma": "{{ $system := .System }}{{ range .Messages }}"
    '{{ if eq .Role "user" }}<start_of_turn>user\n{{ if $system }}{{ $system }}\n\n{{ $system = "" }}{{ end }}'
    "{{ .Content }}<end_of_turn>\n"
    '{{ else if eq .Role "assistant" }}<start_of_turn>model\n{{ .Content }}<end_of_turn>\n{{ end }}{{ end }}'
    "<start_of_turn>model\n",
    "phi-3": "{{ range .Messages }}<|{{ .Role }}|>\n{{ .Content }}<|end|>\n{{ end }}<|assistant|>\n",
    "plain": "{{ range .Messages }}{{ .Content }}\n{{ end }}",
}
