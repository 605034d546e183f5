"""The host: the one process that has a project file open. It runs the loop and answers viewers over a UNIX socket.

place.py      where socket, log and private folders lie
wire.py       one JSON line a message
hub.py        events: numbered, stored in batches, handed to every viewer
runner.py     the one run that may be going on, in a thread
talks.py      answers of the playground, streamed to whoever asked
answers.py    what can be asked of a project file, with or without a host
server.py     the socket, the viewers, start and end
"""
