import math
def channel_unit(n): return n
def conversion(u,c): return ({'km/h':1/3.6,'deg':math.pi/180,'deg/s':math.pi/180,'rpm':math.pi/30,'%':.01}.get(u,1.0),0.0)
