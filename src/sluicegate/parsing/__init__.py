"""Reading what others wrote: within bounds, without the ledger's lock, beside the event loop.

Rules:
- A text is read once, when it comes in. What follows works on what it was read as.
- A text that is not small is read by a process made for it alone, which ends with it. It has no socket, key
  or file of the control plane, and a limit on its time and memory.
- What comes back is JSON that is read in one way only, and is checked again by its form: a process that was
  taken over can only say what the sender could have said itself. A pickle could run code here.
- Who has left ends what was begun for it.
"""
